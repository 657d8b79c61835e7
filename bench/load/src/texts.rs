//! Texts as people on a marketplace write them: prices, times, telephone numbers, links, in English and Korean.
//!
//! They are drawn from a fixed seed, so that each run and each server gets the same ones: 20 to 400 bytes, 120 in the mean.
//! One in sixteen sentences has a telephone number that haggle's masking rule finds. It warns by default and leaves
//! the text as it is. A server may also refuse such texts; there they are left out.

/// How many different texts there are.
pub const TEXTS: usize = 1024;
/// The shortest text, in bytes.
pub const BYTES_MIN: usize = 20;
/// The longest text, in bytes.
pub const BYTES_MAX: usize = 400;

const SEED: u64 = 0x6861_6767_6c65_0014;

/// `{P}` is a price in won, `{D}` in dollars, `{H}` and `{M}` a time, `{N}` a small number, `{L}` a link's number, `{T}` a
/// telephone number.
const SENTENCES: &[&str] = &[
    "Hi, is this still available?",
    "Would you take {D} for it?",
    "I can pay {D} in cash today, it's a bit over my budget otherwise.",
    "Could we meet at {H}:{M} near the station?",
    "Sorry, I'm running {N} minutes late.",
    "Does it come with the original box and charger?",
    "The battery is at 8{N}% and it has never been repaired.",
    "It's 256 GB, bought on 2025-0{N}-1{N}, with the receipt.",
    "Here are more pictures: https://photos.example.com/a/{L}",
    "Same model, new, for comparison: https://www.shop.example/products/{L}?ref=chat",
    "Size is 120x60x75 cm, weight around 1{N} kg.",
    "Let me check with my partner and get back to you tonight.",
    "Great, thank you so much!",
    "Could you hold it until Saturday {H}:{M}?",
    "I'd rather ship it; tracking numbers come by mail, postage is $1{N}.50.",
    "You can reach me at {T} when you're there.",
    "\"Like new\" means no scratches at all? I saw a mark on picture {N}.",
    "OK",
    "안녕하세요, 아직 판매 중인가요?",
    "{P}원에 가능할까요?",
    "{P}원까지는 가능해요. 더는 어려워요 ㅠㅠ",
    "오늘 저녁 {H}시 {M}분에 강남역 1{N}번 출구에서 뵐게요.",
    "네, 알겠습니다. 감사합니다 :)",
    "사이즈는 27{N}이고 두 번 신었어요.",
    "택배로 보내 주실 수 있나요? 배송비는 제가 낼게요.",
    "고객센터 1588-{L} 에서 정품 확인했어요.",
    "상세 사진은 여기 있어요 https://shop.example.kr/item/{L}",
    "직거래는 {N}월 1{N}일 토요일 오후 {H}시 이후에 가능합니다.",
    "제 번호는 {T} 입니다. 도착하면 연락 주세요.",
    "구성품 전부 있고 박스도 있어요.",
    "조금만 깎아 주시면 바로 입금할게요.",
    "😊👍",
];

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
struct Random {
    state: u64,
    has_contacts: bool,
}

impl Random {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn in_range(&mut self, from: usize, to: usize) -> usize {
        from + (self.next() % (to - from) as u64) as usize
    }
}

/// All texts, in their order. With `bytes` each has exactly that many; without `has_contacts` there is no telephone number
/// of a person in them.
#[must_use]
pub fn all(bytes: Option<usize>, has_contacts: bool) -> Vec<String> {
    let mut random = Random { state: SEED, has_contacts };
    let mut next = || match bytes {
        Some(bytes) => exactly(&mut random, bytes),
        None => one(&mut random),
    };
    (0..TEXTS).map(|_| next()).collect()
}

/// Which of the texts a message has: neighbours in a room have different ones.
#[must_use]
pub fn place(room: u32, sender: u16, number: u32) -> usize {
    let mixed = room.wrapping_mul(0x9e37_79b1) ^ u32::from(sender).wrapping_mul(0x85eb_ca6b);
    (mixed.wrapping_add(number.wrapping_mul(0x0000_01f5)) >> 3) as usize % TEXTS
}

/// Half of all texts are short, one in six is long.
fn one(random: &mut Random) -> String {
    let wanted = match random.in_range(0, 6) {
        0..3 => random.in_range(BYTES_MIN, 70),
        3..5 => random.in_range(70, 140),
        _ => random.in_range(140, 350),
    };
    let mut text = sentence(random);
    while text.len() < wanted {
        let more = sentence(random);
        if text.len() + 1 + more.len() > BYTES_MAX {
            break;
        }
        text.push(' ');
        text.push_str(&more);
    }
    text
}

fn exactly(random: &mut Random, bytes: usize) -> String {
    let mut text = sentence(random);
    while text.len() < bytes {
        text.push(' ');
        text.push_str(&sentence(random));
    }
    text.truncate(text.floor_char_boundary(bytes));
    text.extend(std::iter::repeat_n('.', bytes - text.len()));
    text
}

fn sentence(random: &mut Random) -> String {
    let mut rest = SENTENCES[random.in_range(0, SENTENCES.len())];
    let mut text = String::new();
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (kind, after) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(&match kind {
            "P" => format!("{},{}00", random.in_range(10, 990), random.in_range(0, 10)),
            "D" => format!("${}.{:02}", random.in_range(5, 900), random.in_range(0, 4) * 25),
            "H" => random.in_range(1, 13).to_string(),
            "M" => format!("{:02}", random.in_range(0, 12) * 5),
            "N" => random.in_range(1, 10).to_string(),
            "L" => random.in_range(1000, 10_000).to_string(),
            _ if !random.has_contacts => format!("1588-{}", random.in_range(1000, 10_000)),
            _ => format!("010-{}-{}", random.in_range(2000, 10_000), random.in_range(1000, 10_000)),
        });
        rest = after;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_as_long_as_people_write_and_the_same_in_each_run() {
        let texts = all(None, true);
        assert_eq!(texts, all(None, true));
        let bytes: Vec<usize> = texts.iter().map(String::len).collect();
        let mean = bytes.iter().sum::<usize>() / TEXTS;
        assert!((115..=125).contains(&mean), "{mean}");
        assert!(bytes.iter().all(|bytes| (BYTES_MIN..=BYTES_MAX).contains(bytes)), "{bytes:?}");
        let share = |has: fn(char) -> bool| texts.iter().filter(|text| text.contains(has)).count() * 100 / TEXTS;
        assert!(share(|c| c.is_ascii_digit()) > 60, "{}", share(|c| c.is_ascii_digit()));
        assert!(share(|c| ('가'..='힣').contains(&c)) > 40, "{}", share(|c| ('가'..='힣').contains(&c)));
        assert!(texts.iter().all(|text| !text.contains(['~', '{', '}'])));
    }

    #[test]
    fn a_given_length_is_kept_to_the_byte() {
        for bytes in [1, 20, 120, 1000] {
            assert!(all(Some(bytes), true).iter().all(|text| text.len() == bytes));
        }
    }

    #[test]
    fn messages_in_a_row_have_different_texts_and_all_are_used() {
        assert!((0..1000).all(|number| place(7, 1, number) != place(7, 1, number + 1)));
        let used: std::collections::BTreeSet<usize> =
            (0..20 * TEXTS as u32).map(|number| place(7, 1, number)).collect();
        assert_eq!(used.len(), TEXTS);
    }
}
