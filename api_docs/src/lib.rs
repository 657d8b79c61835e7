//! The attributes by which haggle's routes and types describe themselves for the OpenAPI document, as they are outside of its unit
//! tests: they expand to nothing. The tests take utoipa's, of the same names, and make the document of them.

use proc_macro::TokenStream;

/// In place of `utoipa::path`: the handler as it is.
#[proc_macro_attribute]
pub fn path(_: TokenStream, handler: TokenStream) -> TokenStream {
    handler
}

/// In place of `utoipa::ToSchema`.
#[proc_macro_derive(ToSchema, attributes(schema))]
pub fn to_schema(_: TokenStream) -> TokenStream {
    TokenStream::new()
}

/// In place of `utoipa::IntoParams`.
#[proc_macro_derive(IntoParams, attributes(into_params, param))]
pub fn into_params(_: TokenStream) -> TokenStream {
    TokenStream::new()
}
