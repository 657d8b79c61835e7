"""What schemathesis checks here in addition to its own list, and what it must leave alone."""

import json

import schemathesis

# The demo's people, whose rooms and token the suite needs to its end.
NEEDED = {"junho", "mina", "priya", "amara", "jonas", "sofia"}

# Rules that a schema can't express, by the sentence that names them: the only reasons to refuse (422) what fits the
# document. Each stands in words in the operation's or the field's description.
RULES = (
    "`cursor` must be the `nextCursor` of the page before",
    "`after` must be the `cursor` of an event, or the `nextCursor` of a page",
    "give `before` or `after`, not both",
    "`q` must be at most 8 words",
    # Of invisible characters alone; too many for a pattern.
    "`q` must hold something to search for",
    "`name` must be 1 to 200 characters, a visible one",
    "`title` must be 1 to 200 characters, a visible one",
    "`text` must be 1 to 2000 characters without U+0000",
    "`id` must be the one in the path, or left out",
    "`id` must not be `system`",
    "`roomId` must be the one in the path, or left out",
    "`buyerId` is for the service key: users open their own rooms",
    "`buyerId` is missing: say for whom the room is",
    "`productId` is missing: say what the room shall be about",
    "`productId` and `buyerId` are not for the kind support",
    "`userId` is for the kind support",
    "`userId` is missing: say who needs support",
    "`userId` must be the id of a user, put the user first",
    "`list` can't be joined: the service key is no member of the staff",
    "`sellerId` must be the id of a user, put the user first",
    "`text` must not be empty",
    "the body: `emoji`: must be a single emoji",
    "`replyTo` must be",
    "`kind` must be text: the other kinds have routes of their own",
    "`amount` is needed to counter an offer",
    "`currency` must be the product's",
    "`messageId` must be a message of the other member",
    "`muteUntil` needs the decision upheld",
    "give one of `decision` and `assignee`",
    "`assignee` must be an id: the service key is no member of the staff",
    "`until` must be in the future",
    "`userId` is missing: say who of the staff is to leave",
    "`reason` must be 1 to 1000 characters without U+0000",
    "give one of `actorId`, `userId` and `roomId`, not several",
    "`name` must hold something to search for",
    "`actions` needs `userId`",
    "give `reportedId` or `reporterId`, not both",
    "`archived` and `pinned` can't both be true",
    # A point of the curve, and a host of the public internet; which fields go together.
    "`endpoint` must be the https:// address of a public push service",
    "`keys.p256dh` must be a point on P-256",
    "`keys.auth` must be 16 bytes",
    "give `endpoint` and `keys` of a browser, or",
    # What a form holds is described as any bytes, under any name.
    "`image` must be",
    "`image` is missing from the form, or empty",
    "the body must be `multipart/form-data` with a part `image`",
    "the form must have at most 8 parts",
)


@schemathesis.hook
def filter_case(context, case):
    if case.operation.definition.raw.get("operationId") == "deleteUser":
        return case.path_parameters.get("id") not in NEEDED
    return True


@schemathesis.hook
def filter_failure(context, failure, case, response):
    if type(failure).__name__ == "AcceptedNegativeData" and case.media_type == "multipart/form-data":
        # A form holds bytes alone: an object in place of a text arrives as a text.
        return isinstance(case.body, dict) and all(isinstance(part, (str, bytes)) for part in case.body.values())
    if type(failure).__name__ != "RejectedPositiveData" or response.status_code != 422:
        return True
    # An answer to HEAD can't say which rule it was; the same request with GET does.
    return case.method != "HEAD" and not response.json()["detail"].startswith(RULES)


@schemathesis.hook
def before_load_schema(context, document):
    """Closes the schemas of answers, so that a field that the document does not know is found."""
    schemas = document["components"]["schemas"]
    sent = set()
    for methods in document["paths"].values():
        for operation in methods.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                sent.add(content["schema"]["$ref"].rsplit("/", 1)[1])
    # A schema that is a part of a larger one stays open in it, under a name of its own.
    opened = {}
    for schema in list(schemas.values()):
        for part in schema.get("allOf", []):
            if "$ref" in part:
                name = part["$ref"].rsplit("/", 1)[1]
                opened[f"{name}Part"] = schemas[name]
                part["$ref"] += "Part"
    opened = json.loads(json.dumps(opened))
    for name, schema in schemas.items():
        if name not in sent:
            close(schema)
    schemas.update(opened)


def close(schema):
    whole = schema.get("type") == "object" or "allOf" in schema
    if whole and "additionalProperties" not in schema:
        schema["unevaluatedProperties"] = False
    for field in schema.get("properties", {}).values():
        close(field)


@schemathesis.check
def code_is_documented(context, response, case):
    """A problem's `code` is one of those that the operation documents for its status."""
    if response.status_code < 400 or response.status_code == 405 or case.method == "HEAD":
        return
    documented = case.operation.definition.raw["responses"][str(response.status_code)]
    content = documented["content"].get("application/problem+json")
    if content:
        code = response.json()["code"]
        assert code in content["examples"], f"{response.status_code} with `{code}` is not documented"


@schemathesis.check
def export_is_lines(context, response, case):
    """An export is made of the lines that an import reads."""
    if case.operation.definition.raw.get("operationId") == "exportUser" and response.status_code == 200:
        for line in response.text.splitlines():
            assert json.loads(line)["type"] in ("user", "product", "room", "message")


@schemathesis.check
def image_is_one(context, response, case):
    """What is sent as an image is one."""
    if case.method == "GET" and response.headers.get("content-type", [""])[0].startswith("image/"):
        assert response.content.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n")), "no image"


@schemathesis.deserializer("image/jpeg", "image/png")
def read_bytes(context, response):
    """As the text that the schema of binary content describes."""
    return "bytes"
