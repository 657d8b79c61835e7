// @generated automatically by Diesel CLI.

diesel::table! {
    discarded_images (key) {
        key -> Text,
    }
}

diesel::table! {
    message_index_progress (id) {
        id -> Integer,
        indexed_to -> BigInt,
    }
}

diesel::table! {
    messages (position) {
        position -> BigInt,
        id -> Text,
        room_id -> Text,
        seq -> BigInt,
        sender_id -> Text,
        client_id -> Nullable<Text>,
        kind -> Text,
        text -> Nullable<Text>,
        data -> Nullable<Text>,
        sent_at -> BigInt,
        edited_at -> Nullable<BigInt>,
        deleted_at -> Nullable<BigInt>,
        warnings -> Nullable<Text>,
    }
}

diesel::table! {
    products (id) {
        id -> Text,
        seller_id -> Text,
        title -> Text,
        price -> Nullable<BigInt>,
        currency -> Nullable<Text>,
        image_url -> Nullable<Text>,
        status -> Text,
    }
}

diesel::table! {
    rooms (id) {
        id -> Text,
        product_id -> Text,
        buyer_id -> Text,
        seller_id -> Text,
        created_at -> BigInt,
        active_at -> BigInt,
        last_seq -> BigInt,
        buyer_read_seq -> BigInt,
        seller_read_seq -> BigInt,
        contact_allowed -> Bool,
    }
}

diesel::table! {
    users (id) {
        id -> Text,
        name -> Text,
        avatar_url -> Nullable<Text>,
        deleted_at -> Nullable<BigInt>,
    }
}

diesel::joinable!(messages -> rooms (room_id));
diesel::joinable!(products -> users (seller_id));
diesel::joinable!(rooms -> products (product_id));

diesel::allow_tables_to_appear_in_same_query!(
    discarded_images,
    message_index_progress,
    messages,
    products,
    rooms,
    users,
);
