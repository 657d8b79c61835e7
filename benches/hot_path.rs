//! The way of a message through haggle, without its disk and its sockets: decode, authorize, fan out, encode.

#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macro writes the functions; a bench may end early")]

mod live_room;

use std::{hint::black_box, time::Duration};

use bytes::{Bytes, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use haggle::internals::{
    auth::{Signer, Verifier},
    clock::Clock,
    domain::{
        Seq, UserId,
        masking::{MaskingPolicy, RecentDigits, find_after},
    },
    protocol::{
        json,
        push::Push,
        websocket::{Decoder, FrameLimits, Opcode, write_frame},
    },
};
use live_room::LiveRoom;

const MESSAGE: &str = r#"{"event":"message","data":{"roomId":"0123456789abcdef0123456789abcdef","text":"is it still available? I could come by at six","clientId":"c-000001"},"id":17}"#;

const STORED: &[u8] = br#"{"id":"0193586f0d9c7b1a8f0e4d3c2b1a0987","roomId":"0123456789abcdef0123456789abcdef","seq":1234,"senderId":"alice","clientId":"c-000001","kind":"text","text":"is it still available? I could come by at six","sentAt":"2026-11-23T09:00:00.000Z"}"#;

fn decode(c: &mut Criterion) {
    let mut frame = BytesMut::new();
    write_frame(&mut frame, Opcode::Text, MESSAGE.as_bytes());
    // A client's frame is masked; a mask of zeros costs the same.
    let masked: BytesMut =
        [&[0x81, 0x80 | 126][..], &frame[2..4], &[0; 4], MESSAGE.as_bytes()].concat().as_slice().into();
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(1));
    group.bench_function("frame", |b| {
        let limits = FrameLimits { message_bytes_max: 65536, fragments_max: 1024 };
        b.iter_batched(
            || (Decoder::new(limits), masked.clone()),
            |(mut decoder, mut bytes)| decoder.decode(&mut bytes).unwrap().unwrap(),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("event", |b| b.iter(|| json::decode(black_box(MESSAGE)).event.unwrap()));
    group.finish();
}

/// The masking rule, on what most messages are and on what it is there for.
fn masking(c: &mut Criterion) {
    let mut group = c.benchmark_group("masking");
    for (name, text) in [
        (
            "Korean, 40 characters",
            "안녕하세요 아직 판매 중이신가요 내일 저녁에 강남역 쪽에서 볼 수 있을까요 감사합니다",
        ),
        (
            "English, 120 bytes",
            "Hello there, is the bike still for sale and could I come by tomorrow in the evening to have a look at it, thank you so much",
        ),
        ("a price", "980,000원에 주시면 바로 갈게요"),
        ("a phone number", "제 번호는 010-1234-5678 입니다"),
        ("an address", "write to alice.smith@mail.example.org please"),
    ] {
        group.bench_function(name, |b| {
            let mut recent = RecentDigits::default();
            b.iter(|| find_after(black_box(text), &mut recent));
        });
    }
    // The longest text that `--max-message-bytes` allows by default: what one message may cost its sender's worker.
    for (name, unit) in [
        ("16 KiB of Korean", "안녕하세요 아직 판매 중이신가요 내일 저녁에 강남역 쪽에서 볼 수 있을까요 감사합니다 "),
        ("16 KiB of prices", "980,000원에 1,250,000원 12개 2026-11-23 오후 3시 45분 "),
        ("16 KiB of 1-", "1-"),
        ("16 KiB of kakao-", "kakao-"),
        ("16 KiB of t.me/!", "t.me/!"),
    ] {
        let text = unit.repeat(16 * 1024 / unit.len());
        group.bench_function(name, |b| b.iter(|| MaskingPolicy::Mask.inspect(Some(black_box(&text)))));
    }
    group.finish();
}

fn authorize(c: &mut Criterion) {
    let secret = [7; 32];
    let token = Signer::hs256(&secret).unwrap().sign(
        &UserId::new("alice").unwrap(),
        Some("Alice"),
        Duration::from_secs(3600),
        &Clock::System,
    );
    let verifier = Verifier::hs256(&secret).unwrap();
    c.bench_function("authorize/token HS256", |b| b.iter(|| verifier.verify_now(black_box(&token)).unwrap()));
}

fn fan_out(c: &mut Criterion) {
    let mut group = c.benchmark_group("fan-out");
    for sessions in [2_u64, 1000] {
        let system = actix::System::new();
        let mut room = system.block_on(async { LiveRoom::of(sessions) });
        let mut seq = 0;
        group.throughput(Throughput::Elements(sessions));
        group.bench_function(sessions.to_string(), |b| {
            b.iter(|| {
                seq += 1;
                room.deliver(Seq(seq), Push::from_json("message", Bytes::from_static(STORED)));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decode, masking, authorize, fan_out);
criterion_main!(benches);
