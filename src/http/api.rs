//! REST, base `/api/v1`: a file a resource.
