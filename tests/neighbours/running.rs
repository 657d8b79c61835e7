//! An attack that runs on a thread of its own: one attacker has one core at most, and the others' clients another.

use std::{
    sync::{Arc, atomic::Ordering},
    thread,
};

use tokio::{sync::watch, task::LocalSet};

use super::{
    attack::{Attacker, Stage, Tally},
    server::Server,
    table::Row,
    world::Size,
};

/// Runs something to its end, with tasks of its own on this thread.
pub fn block_on<T>(event: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, event)
}

/// An attack under way.
pub struct RunningAttack {
    thread: thread::JoinHandle<()>,
    /// Says how far it may go.
    pub stage: watch::Sender<Stage>,
    pub tally: Arc<Tally>,
}

impl RunningAttack {
    /// Starts a row's attack with this many operations; `None` goes on until the stage has ended.
    pub fn start(row: &Row, server: &Server, size: Size, operations: Option<u64>) -> Self {
        let tally = Arc::new(Tally::default());
        let (stage, stages) = watch::channel(Stage::Before);
        let (target, counted, attack) = (server.target.clone(), Arc::clone(&tally), Arc::clone(&row.attack));
        let thread = thread::spawn(move || {
            block_on(async move {
                let attacker = Attacker::new(target, size, operations, stages, counted);
                let attacked = attack(std::rc::Rc::clone(&attacker));
                match operations {
                    Some(_) => attacked.await,
                    None => tokio::select! {
                        () = attacked => {}
                        () = attacker.reached(Stage::Over) => {}
                    },
                }
            });
        });
        Self { thread, stage, tally }
    }

    /// Whether it has ended by itself.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Whether all is prepared for it.
    pub fn is_ready(&self) -> bool {
        self.tally.ready.load(Ordering::Acquire)
    }
}
