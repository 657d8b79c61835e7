// @generated automatically by Diesel CLI.

diesel::table! {
    audit (id) {
        id -> BigInt,
        at -> BigInt,
        actor_id -> Nullable<Text>,
        action -> Text,
        user_id -> Nullable<Text>,
        room_id -> Nullable<Text>,
        product_id -> Nullable<Text>,
        message_id -> Nullable<Text>,
        report_id -> Nullable<Text>,
        reason -> Nullable<Text>,
        details -> Nullable<Text>,
    }
}

diesel::table! {
    blocks (blocker_id, blocked_id) {
        blocker_id -> Text,
        blocked_id -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    changes (id) {
        id -> BigInt,
        after_position -> BigInt,
        kind -> Text,
        subject_id -> Text,
        member_id -> Text,
        committed_at -> BigInt,
    }
}

diesel::table! {
    delivery_marks (room_id) {
        room_id -> Text,
        buyer_seq -> BigInt,
        seller_seq -> BigInt,
    }
}

diesel::table! {
    discarded_images (key) {
        key -> Text,
    }
}

diesel::table! {
    erasures (user_id) {
        user_id -> Text,
        room_id -> Text,
        seq -> BigInt,
        report_id -> Text,
    }
}

diesel::table! {
    former_texts (message_id, number) {
        message_id -> Text,
        number -> BigInt,
        sender_id -> Text,
        text -> Nullable<Text>,
        replaced_at -> BigInt,
    }
}

diesel::table! {
    imported_messages (first_position) {
        first_position -> BigInt,
        last_position -> BigInt,
        imported_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    installation (id) {
        id -> Integer,
        identity -> Text,
        generation -> Text,
    }
}

diesel::table! {
    message_index_progress (id) {
        id -> Integer,
        indexed_to -> BigInt,
    }
}

diesel::table! {
    message_tail (position) {
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
        warnings -> Nullable<Text>,
        reply_to -> Nullable<BigInt>,
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
        removed -> Bool,
        reply_to -> Nullable<BigInt>,
        reactions -> Nullable<Text>,
        staff_name -> Nullable<Text>,
    }
}

diesel::table! {
    notes (id) {
        id -> Text,
        user_id -> Nullable<Text>,
        report_id -> Nullable<Text>,
        actor_id -> Nullable<Text>,
        text -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    notification_progress (id) {
        id -> BigInt,
        position -> BigInt,
    }
}

diesel::table! {
    notifications (room_id, user_id) {
        room_id -> Text,
        user_id -> Text,
        id -> Text,
        read_seq -> BigInt,
        created_at -> BigInt,
        attempts -> BigInt,
        due_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    offers (message_id) {
        message_id -> Text,
        room_id -> Text,
        product_id -> Text,
        offered_by -> Text,
        amount -> BigInt,
        currency -> Text,
        status -> Text,
        expires_at -> BigInt,
    }
}

diesel::table! {
    product_waves (product_id) {
        product_id -> Text,
        reached -> Nullable<Text>,
        is_behind -> Bool,
        next_wave_at -> BigInt,
        seller_limit_at -> BigInt,
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
        created_at -> Nullable<BigInt>,
        updated_at -> Nullable<BigInt>,
        unlisted -> Bool,
    }
}

diesel::table! {
    push_subscriptions (id) {
        id -> Text,
        user_id -> Text,
        platform -> Text,
        address -> Text,
        p256dh -> Nullable<Text>,
        auth -> Nullable<Text>,
        language -> Nullable<Text>,
        created_at -> BigInt,
        refreshed_at -> BigInt,
        failures -> BigInt,
        due_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    read_mark_tail (room_id, user_id) {
        room_id -> Text,
        user_id -> Text,
        read_seq -> BigInt,
    }
}

diesel::table! {
    recoveries (pid_hash) {
        pid_hash -> Text,
        user_id -> Text,
        rooms -> Text,
        ended_at -> Nullable<BigInt>,
        node -> Text,
    }
}

diesel::table! {
    removed_messages (message_id) {
        message_id -> Text,
        sender_id -> Text,
        text -> Nullable<Text>,
        data -> Nullable<Text>,
        removed_at -> BigInt,
    }
}

diesel::table! {
    reports (id) {
        id -> Text,
        reporter_id -> Text,
        reported_id -> Text,
        room_id -> Text,
        message_id -> Nullable<Text>,
        category -> Text,
        text -> Nullable<Text>,
        messages -> Text,
        created_at -> BigInt,
        decision -> Nullable<Text>,
        decided_at -> Nullable<BigInt>,
        mute_until -> Nullable<BigInt>,
        assignee_id -> Nullable<Text>,
    }
}

diesel::table! {
    room_staff (room_id, user_id) {
        room_id -> Text,
        user_id -> Text,
        joined_at -> BigInt,
        left_at -> Nullable<BigInt>,
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
        notified_status -> Text,
        frozen -> Bool,
        buyer_place -> BigInt,
        seller_place -> BigInt,
        member_flags -> BigInt,
    }
}

diesel::table! {
    sanctions (kind, user_id) {
        kind -> Text,
        user_id -> Text,
        until -> Nullable<BigInt>,
        reason -> Text,
        actor_id -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    support_waits (room_id) {
        room_id -> Text,
        since -> BigInt,
    }
}

diesel::table! {
    users (id) {
        id -> Text,
        name -> Text,
        avatar_url -> Nullable<Text>,
        deleted_at -> Nullable<BigInt>,
        muted_until -> Nullable<BigInt>,
        read_receipts -> Bool,
        typing -> Bool,
        presence -> Bool,
        created_at -> Nullable<BigInt>,
        updated_at -> Nullable<BigInt>,
        banned_until -> Nullable<BigInt>,
        unmuted_at -> Nullable<BigInt>,
        delivery_receipts -> Bool,
        last_seen -> Bool,
        last_seen_at -> Nullable<BigInt>,
        name_folded -> Nullable<Text>,
    }
}

diesel::table! {
    web_pushes (subscription_id, room_id) {
        subscription_id -> Text,
        room_id -> Text,
        id -> Text,
        read_seq -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    webhook_progress (id) {
        id -> BigInt,
        position -> BigInt,
        change_id -> BigInt,
        attempts -> BigInt,
        due_at -> BigInt,
    }
}

diesel::joinable!(delivery_marks -> rooms (room_id));
diesel::joinable!(erasures -> users (user_id));
diesel::joinable!(messages -> rooms (room_id));
diesel::joinable!(notes -> reports (report_id));
diesel::joinable!(notes -> users (user_id));
diesel::joinable!(notifications -> rooms (room_id));
diesel::joinable!(notifications -> users (user_id));
diesel::joinable!(offers -> products (product_id));
diesel::joinable!(offers -> rooms (room_id));
diesel::joinable!(product_waves -> products (product_id));
diesel::joinable!(products -> users (seller_id));
diesel::joinable!(push_subscriptions -> users (user_id));
diesel::joinable!(room_staff -> rooms (room_id));
diesel::joinable!(room_staff -> users (user_id));
diesel::joinable!(rooms -> products (product_id));
diesel::joinable!(sanctions -> users (user_id));
diesel::joinable!(support_waits -> rooms (room_id));
diesel::joinable!(web_pushes -> push_subscriptions (subscription_id));
diesel::joinable!(web_pushes -> rooms (room_id));

diesel::allow_tables_to_appear_in_same_query!(
    audit,
    blocks,
    changes,
    delivery_marks,
    discarded_images,
    erasures,
    former_texts,
    imported_messages,
    installation,
    message_index_progress,
    message_tail,
    messages,
    notes,
    notification_progress,
    notifications,
    offers,
    product_waves,
    products,
    push_subscriptions,
    read_mark_tail,
    recoveries,
    removed_messages,
    reports,
    room_staff,
    rooms,
    sanctions,
    support_waits,
    users,
    web_pushes,
    webhook_progress
);
