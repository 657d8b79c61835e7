//! The OpenAPI document, generated from the code, and the page that shows it.
