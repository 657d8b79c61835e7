//! The words of addresses: signs spelt out, mail providers, links, messengers, and what announces a name.

/// "at" and "dot" as words between spaces, which only count next to a known provider.
pub(super) const WORD_AT: char = '\u{1}';
pub(super) const WORD_DOT: char = '\u{2}';

/// Ways to write a sign around the rule that begin with a character, without it. The first that fits counts. `next` is the
/// character after it: most spaces begin none.
pub(super) const fn spelt_from(first: char, next: char) -> &'static [(&'static str, char)] {
    match first {
        '(' => {
            &[("at)", '@'), ("a)", '@'), ("골뱅이)", '@'), ("dot)", '.'), ("점)", '.'), (".)", '.'), ("slash)", '/')]
        }
        '[' => &[("at]", '@'), ("dot]", '.'), (".]", '.')],
        '{' => &[("at}", '@'), ("dot}", '.')],
        '<' => &[("at>", '@'), ("dot>", '.')],
        ' ' if matches!(next, '골' | 'a' | 'd' | '점' | '쩜' | '닷' | 's') => &[
            ("골뱅이 ", '@'),
            ("골뱅이", '@'),
            ("at ", WORD_AT),
            ("dot ", WORD_DOT),
            ("점 ", WORD_DOT),
            ("쩜 ", WORD_DOT),
            ("닷 ", WORD_DOT),
            ("닷컴", DOT_COM),
            ("slash ", '/'),
        ],
        '골' => &[("뱅이 ", '@'), ("뱅이", '@')],
        '닷' => &[("컴", DOT_COM)],
        '쩜' => &[("컴", DOT_COM)],
        '점' => &[("컴", DOT_COM), ("com", DOT_COM)],
        _ => &[],
    }
}

/// "닷컴" in one: a dot and its top level.
pub(super) const DOT_COM: char = '\u{3}';

/// Mail providers: their name after an @ is an address, with or without the rest. Those that begin with a character.
pub(super) const fn providers_from(first: char) -> &'static [&'static str] {
    match first {
        'g' => &["gmail", "googlemail"],
        'n' => &["naver", "nate"],
        'd' => &["daum"],
        'h' => &["hanmail", "hotmail"],
        'k' => &["kakao"],
        'o' => &["outlook"],
        'y' => &["yahoo"],
        'i' => &["icloud"],
        'p' => &["protonmail", "proton"],
        'l' => &["live"],
        'm' => &["msn"],
        '네' => &["네이버", "네이트"],
        '지' => &["지메일"],
        '다' => &["다음"],
        '한' => &["한메일"],
        '카' => &["카카오"],
        '구' => &["구글"],
        '핫' => &["핫메일"],
        '아' => &["아이클라우드"],
        _ => &[],
    }
}

/// Addresses of messengers that begin with a letter, and whether a name must follow.
pub(super) const fn links_from(first: char) -> &'static [(&'static str, bool)] {
    match first {
        'o' => &[("open.kakao.com", false)],
        'p' => &[("pf.kakao.com", false)],
        'q' => &[("qr.kakao.com", false)],
        't' => {
            &[("t.me/", true), ("telegram.me", false), ("telegram.dog", false), ("tg://", false), ("threema.id/", true)]
        }
        'w' => &[("wa.me/", true), ("wa.link", false), ("whatsapp://", false)],
        'c' => &[("chat.whatsapp.com", false)],
        'a' => &[("api.whatsapp.com", false)],
        'l' => &[("line.me", false), ("lin.ee", false)],
        'm' => &[("m.me/", true), ("messenger.com/t", false)],
        'i' => &[("ig.me/", true), ("instagram.com/", true)],
        'd' => &[("discord.gg", false), ("discord.com/invite", false), ("discordapp.com/invite", false)],
        's' => &[("signal.me", false), ("signal.group", false), ("snapchat.com/add", false)],
        'v' => &[("viber.com", false)],
        'z' => &[("zalo.me", false)],
        'u' => &[("u.wechat.com", false)],
        'j' => &[("join.skype.com", false)],
        'k' => &[("kakaotalk://", false)],
        _ => &[],
    }
}

/// Messengers by their names, those that begin with a character.
pub(super) const fn messengers_from(first: char) -> &'static [&'static str] {
    match first {
        '카' => &["카카오톡", "카카오 톡", "카톡", "카똑"],
        '까' => &["까톡"],
        'ㅋ' => &["ㅋㅌ"],
        '갠' => &["갠톡"],
        '오' => &["오픈톡"],
        '텔' => &["텔레그램", "텔레"],
        '라' => &["라인"],
        '위' => &["위챗"],
        '디' => &["디스코드", "디코"],
        '인' => &["인스타그램", "인스타"],
        '왓' => &["왓츠앱", "왓츠"],
        'k' => &["kakaotalk", "katalk", "ktalk", "kakao", "kkt"],
        't' => &["telegram"],
        'w' => &["whatsapp", "wechat", "weixin"],
        'l' => &["line"],
        'd' => &["discord"],
        'i' => &["instagram", "insta"],
        'v' => &["viber"],
        's' => &["snapchat", "skype"],
        _ => &[],
    }
}

/// What says that a name follows, and begins with a character.
pub(super) const fn names_from(first: char) -> &'static [&'static str] {
    match first {
        '아' => &["아이디"],
        'i' => &["id"],
        '@' => &["@"],
        '친' => &["친추"],
        '추' => &["추가"],
        'h' => &["handle"],
        'u' => &["username"],
        '닉' => &["닉네임"],
        'a' => &["add"],
        _ => &[],
    }
}

/// English words that stand between "id" and a name.
pub(super) const FILLERS: [&str; 21] = [
    "please", "there", "with", "here", "your", "mine", "have", "card", "when", "that", "this", "from", "story", "link",
    "post", "number", "them", "theirs", "which", "will", "about",
];
