//! What holds for every operation and every schema, written into the document once.

use std::collections::BTreeSet;

use utoipa::{
    Modify,
    openapi::{
        Content, OpenApi, RefOr, Schema,
        header::HeaderBuilder,
        path::{Operation, PathItem},
        schema::{ObjectBuilder, SchemaType, Type},
    },
};

/// What is the same everywhere: the headers of responses, a handler's comment as its description, HEAD for each GET, and no
/// `null` in an answer.
pub(super) struct Conventions;

impl Modify for Conventions {
    fn modify(&self, document: &mut OpenApi) {
        for item in document.paths.paths.values_mut() {
            operations(item).for_each(describe);
            item.head = item.get.as_ref().map(head_of);
        }
        let sent = schemas_of_requests(document);
        let components = document.components.get_or_insert_default();
        for (_, schema) in components.schemas.iter_mut().filter(|(name, _)| !sent.contains(*name)) {
            never_null(schema);
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten()
}

fn describe(operation: &mut Operation) {
    // The comment's heading would stand as one in the page, too.
    operation.description = operation.description.take().map(|text| text.replace("# Errors\n", ""));
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        let mut add = |name: &str, kind: Type, description: &str| {
            let schema = ObjectBuilder::new().schema_type(kind);
            let header = HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build();
            response.headers.insert(name.to_owned(), header.into());
        };
        add("x-request-id", Type::String, "The request's id, as in the log");
        match status.as_str() {
            "401" => add("www-authenticate", Type::String, "`Bearer`"),
            "429" => add("retry-after", Type::Integer, "Seconds to wait"),
            _ => {}
        }
    }
}

/// The same without what GET would say.
fn head_of(get: &Operation) -> Operation {
    let mut head = get.clone();
    head.operation_id = head.operation_id.map(|id| format!("{id}Head"));
    head.summary = head.summary.map(|summary| format!("{summary} The headers alone."));
    for response in head.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.content.clear();
        }
    }
    head
}

/// The names of the schemas of request bodies, where `null` counts as left out.
fn schemas_of_requests(document: &mut OpenApi) -> BTreeSet<String> {
    let bodies = document.paths.paths.values_mut().flat_map(operations).filter_map(|it| it.request_body.as_ref());
    let contents = bodies.filter_map(|body| if let RefOr::T(body) = body { Some(body.content.values()) } else { None });
    let schemas = contents.flatten().filter_map(|content| match content {
        RefOr::T(Content { schema: Some(RefOr::Ref(schema)), .. }) => schema.ref_location.rsplit('/').next(),
        _ => None,
    });
    schemas.map(str::to_owned).collect()
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}

/// Takes `null` out of a schema and the fields in it: an absent field is left out, as `skip_serializing_if` says.
fn never_null(schema: &mut RefOr<Schema>) {
    let only = match schema {
        RefOr::T(Schema::OneOf(choice)) => {
            choice.items.retain(|item| !is_null(item));
            choice.items.iter_mut().for_each(never_null);
            if let [only] = choice.items.as_slice() { Some(only.clone()) } else { None }
        }
        RefOr::T(Schema::AllOf(all)) => {
            all.items.iter_mut().for_each(never_null);
            None
        }
        RefOr::T(Schema::Object(object)) => {
            if let SchemaType::Array(types) = &mut object.schema_type {
                types.retain(|kind| *kind != Type::Null);
                if let [only] = types.as_slice() {
                    object.schema_type = SchemaType::Type(only.clone());
                }
            }
            object.properties.values_mut().for_each(never_null);
            None
        }
        _ => None,
    };
    if let Some(only) = only {
        *schema = only;
    }
}
