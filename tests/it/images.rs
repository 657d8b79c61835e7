//! Images: encoded again, readable by the room's members only, by addresses that expire, and deleted with their message.

use std::{io::Cursor, time::Duration};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{
    TestServer,
    rest::{Answer, call, upload},
    within,
};

fn photo() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::new_rgb8(640, 480).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    let mut bytes = bytes.into_inner();
    // What a camera writes next to the pixels.
    bytes.splice(2..2, b"\xff\xe1\x00\x1fExif\0\0GPS 37.5665 126.9780....".iter().copied());
    bytes
}

async fn send(server: &TestServer, user: &str, room: &str, image: &[u8], fields: &[(&str, &str)]) -> Answer {
    upload(server.addr, &server.token(user), &format!("/api/v1/rooms/{room}/images"), image, fields).await
}

#[actix_web::test]
async fn an_image_reaches_the_other_member_by_an_address_that_expires() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let room = room.id.as_str();
    let mut sam = server.ws("sam").await;
    sam.enter(room).await;

    let sent = send(&server, "alice", room, &photo(), &[("clientId", "c1"), ("text", "call 010-1234-5678")]).await;
    assert_eq!(sent.status, 201, "{:?}", sent.body);
    let received = sam.push("message").await;
    assert_eq!((&received["kind"], &received["id"]), (&json!("image"), &sent.body["id"]));
    assert_eq!(received["warnings"], json!(["phone"]), "the words to it follow the masking rule");
    let data = &received["data"];
    assert_eq!(
        (&data["width"], &data["height"], &data["contentType"]),
        (&json!(640), &json!(480), &json!("image/jpeg"))
    );
    assert!(data.get("key").is_none());
    for name in ["url", "thumbnailUrl"] {
        let url = data[name].as_str().unwrap();
        // No token: the address is the permission.
        let image = call(server.addr, "", "GET", url, None).await;
        assert_eq!(image.status, 200);
        assert!(image.head.contains("content-type: image/jpeg") && image.head.contains("nosniff"), "{}", image.head);
        assert!(!image.body.to_string().contains("GPS"));
        for bad in [
            url.replace("signature=", "signature=0"),
            url.replace("expires=1", "expires=2"),
            url[..url.find('?').unwrap()].to_owned(),
        ] {
            assert_eq!(call(server.addr, "", "GET", &bad, None).await.status, 403, "{bad}");
        }
    }
    let again = send(&server, "alice", room, &photo(), &[("clientId", "c1")]).await;
    assert_eq!((again.status, &again.body["id"]), (200, &sent.body["id"]));

    let old = data["url"].as_str().unwrap().to_owned();
    server.advance(Duration::from_secs(26 * 3600));
    assert_eq!(call(server.addr, "", "GET", &old, None).await.status, 403);
    let path = format!("/api/v1/rooms/{room}/messages");
    let token = server.token("sam");
    let page = call(server.addr, &token, "GET", &path, None).await;
    let fresh = page.body["items"][0]["data"]["url"].as_str().unwrap().to_owned();
    assert_eq!(call(server.addr, "", "GET", &fresh, None).await.status, 200);
    let entered = server.ws("sam").await.enter(room).await;
    assert_eq!(entered["messages"][0]["data"]["url"], fresh);
}

/// Begins an upload and sends nothing more; reads its answer, if one comes.
async fn begin_upload(server: &TestServer, user: &str, room: &str) -> String {
    let head = format!(
        "POST /api/v1/rooms/{room}/images HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
         content-type: multipart/form-data; boundary=part\r\ncontent-length: 1000000\r\n\r\n\
         --part\r\ncontent-disposition: form-data; name=\"image\"\r\n\r\nslow",
        server.token(user)
    );
    let mut tcp = TcpStream::connect(server.addr).await.unwrap();
    tcp.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = tcp.read_to_string(&mut answer).await;
    answer
}

#[actix_web::test]
async fn slow_uploads_of_one_user_keep_nobody_elses_image_out() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let other = server.seed().room("carol", "bike");
    // Each is still on its way when bob's image comes.
    let mut slow: FuturesUnordered<_> = (0..16).map(|_| begin_upload(&server, "alice", room.id.as_str())).collect();
    within("all but two to be refused", async {
        for _ in 0..14 {
            let answer = slow.next().await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("rate_limited"), "{answer}");
        }
    })
    .await;
    let sent = send(&server, "carol", other.id.as_str(), &photo(), &[]).await;
    assert_eq!(sent.status, 201, "{}", sent.body);
    assert_eq!(slow.len(), 2, "the two that were accepted are still open");
    assert_eq!(server.metrics.image_uploads.get(), 2);
}

/// A screen of 1,920 × 1,080 pixels with a photograph on it, in lossless WebP: some hundred KB.
fn screenshot() -> Vec<u8> {
    let screen = image::RgbImage::from_fn(1920, 1080, |x, y| match (x / 400, y / 300) {
        (1..=3, 1..=2) => {
            let noise = (x * 1000 + y + 1).wrapping_mul(2_654_435_761);
            image::Rgb(noise.to_be_bytes()[..3].try_into().unwrap())
        }
        _ => image::Rgb([240, 242, 245]),
    });
    let mut webp = Vec::new();
    image_webp::WebPEncoder::new(&mut webp).encode(&screen, 1920, 1080, image_webp::ColorType::Rgb8).unwrap();
    webp
}

#[actix_web::test]
async fn pictures_of_screens_and_moving_ones_are_taken_as_webp() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let screenshot = screenshot();
    assert!(screenshot.len() > 96 * 1024, "{}", screenshot.len());
    for (name, picture, size) in [
        ("lossless WebP", &screenshot[..], (1920, 1080)),
        ("transparent WebP", include_bytes!("../images/lossy_alpha.webp"), (151, 99)),
        ("animated WebP", include_bytes!("../images/animated.webp"), (120, 80)),
    ] {
        let sent = send(&server, "alice", room.id.as_str(), picture, &[]).await;
        assert_eq!(sent.status, 201, "{name}: {}", sent.body);
        let data = &sent.body["data"];
        assert_eq!((&data["width"], &data["height"]), (&json!(size.0), &json!(size.1)), "{name}");
    }
}

#[actix_web::test]
async fn what_is_no_image_that_is_taken_is_refused_by_its_name() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    for (sent, named) in [
        (&b""[..], "missing from the form, or empty"),
        (b"GIF89a\x01\0\x01\0\0\0\0", "got a GIF image"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "got a HEIC image"),
        (b"\0\0\0\x1Cftypavif\0\0\0\0avifmif1miaf", "got an AVIF image"),
        (b"hello", "got something else"),
    ] {
        let refused = send(&server, "alice", room.id.as_str(), sent, &[]).await;
        assert_eq!((refused.status, &refused.body["code"]), (422, &json!("invalid")), "{}", refused.body);
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains("must be a JPEG, PNG or WebP image") && detail.contains(named), "{detail}");
    }
}

#[actix_web::test]
async fn a_large_image_is_read_part_by_part_and_is_whole() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let noise = DynamicImage::from(image::RgbImage::from_fn(700, 700, |x, y| {
        let noise = (x * 1000 + y + 1).wrapping_mul(2_654_435_761);
        image::Rgb(noise.to_be_bytes()[..3].try_into().unwrap())
    }));
    let mut png = Cursor::new(Vec::new());
    noise.write_to(&mut png, ImageFormat::Png).unwrap();
    let sent = send(&server, "alice", room.id.as_str(), png.get_ref(), &[]).await;
    assert_eq!(sent.status, 201, "{}", sent.body);
    let bytes = sent.body["data"]["bytes"].as_u64().unwrap();
    assert!(bytes > 2 * 64 * 1024, "{bytes}");
    let image = call(server.addr, "", "GET", sent.body["data"]["url"].as_str().unwrap(), None).await;
    assert_eq!((image.status, image.header("content-length")), (200, Some(&*bytes.to_string())));
}

#[actix_web::test]
async fn an_image_is_refused_from_strangers_and_when_it_is_none() {
    let server = TestServer::with(|config| config.limits.image_bytes_max = 64 * 1024).await;
    let room = server.seed().room("alice", "bike");
    let room = room.id.as_str();
    server.seed().user("mallory");
    for (user, image, status, code) in [
        ("mallory", photo(), 403, "forbidden"),
        ("alice", b"<svg onload='alert(1)'/>".to_vec(), 422, "invalid"),
        ("alice", vec![0; 80 * 1024], 413, "too_large"),
        ("alice", vec![0; 1024 * 1024], 413, "too_large"),
    ] {
        let answer = send(&server, user, room, &image, &[]).await;
        assert_eq!((answer.status, &answer.body["code"]), (status, &json!(code)));
    }
    let no_form =
        call(server.addr, &server.token("alice"), "POST", &format!("/api/v1/rooms/{room}/images"), Some(json!({})))
            .await;
    assert_eq!(no_form.status, 422);
    // A user can't have a known key signed again by putting it into a message.
    let mut alice = server.ws("alice").await;
    alice.enter(room).await;
    let data = json!({"key": "a.jpg", "thumbnailKey": "b.jpg", "width": 1, "height": 1, "bytes": 1, "contentType": "image/jpeg"});
    assert_eq!(alice.request("message", json!({"data": data})).await.unwrap_err().code, "invalid");
}

#[actix_web::test]
async fn an_image_without_words_is_sent_by_a_form_whose_text_is_empty() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let sent = send(&server, "alice", room.id.as_str(), &photo(), &[("text", "")]).await;
    assert_eq!((sent.status, sent.body.get("text")), (201, None), "{}", sent.body);
}

#[actix_web::test]
async fn an_image_is_gone_when_its_message_was_taken_back() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let sent = send(&server, "alice", room.id.as_str(), &photo(), &[]).await;
    let url = sent.body["data"]["url"].as_str().unwrap().to_owned();
    assert_eq!(call(server.addr, "", "GET", &url, None).await.status, 200);
    let mut alice = server.ws("alice").await;
    let deleted = alice.request("deleteMessage", json!({"messageId": sent.body["id"]})).await.unwrap();
    assert_eq!(deleted.get("data"), None::<&Value>);
    within("the file to go", async {
        while call(server.addr, "", "GET", &url, None).await.status != 404 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

#[actix_web::test]
async fn images_and_a_store_that_fails_are_counted() {
    let server = TestServer::start().await;
    let room = server.seed().room("alice", "bike");
    let counted = || (server.metrics.images_stored.get(), server.metrics.image_store_failures.get());
    let sent = send(&server, "alice", room.id.as_str(), &photo(), &[]).await;
    assert_eq!((sent.status, counted()), (201, (1, 0)), "{}", sent.body);

    let folder = server.database_file().with_extension("db-images");
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "a file where the folder was").unwrap();
    let refused = send(&server, "alice", room.id.as_str(), &photo(), &[]).await;
    assert_eq!((refused.status, &refused.body["code"]), (503, &json!("unavailable")), "{}", refused.body);
    assert_eq!(counted(), (1, 1));
}
