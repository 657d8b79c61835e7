//! The second wire: Engine.IO v4 and Socket.IO v5.

mod echo;
mod engine;
mod namespaces;
mod recovery;
mod upgrade;
