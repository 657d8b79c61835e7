// @ts-check

/** @param {string} code of a language @param {string} at */
const moment = (code, at) => new Intl.DateTimeFormat(code, { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));

/**
 * Every sentence of the demo page's own, in each of its languages. English is the reference: a key that another language lacks
 * is a type error.
 */
const en = {
  languageName: "English",
  signInLead: "Who would you like to be?",
  signInHint: "Open this page in two windows: be the buyer in one and the seller in the other.",
  buyers: "Buyers",
  sellers: "Sellers",
  staff: "Staff",
  sells: (/** @type {string[]} */ titles) => `Sells ${titles.join(", ")}`,
  looking: "Looking around",
  loading: "Loading…",
  tryAgain: "Try again",
  serverUnreachable: "The server can’t be reached.",

  signedInAs: (/** @type {string} */ name) => `Signed in as ${name}. Account and settings`,
  account: "Account and settings",
  switchUserHint: "Go on as somebody else:",
  signOut: "Sign out",
  close: "Close",
  language: "Language",
  wire: "Connection",

  chats: "Chats",
  market: "Market",
  marketLead: "Everything here is looking for a new home.",
  noChatsHint: "Find something you like and write to its seller.",
  noChatsHintSeller: "When somebody asks about one of your things, you will see it here.",
  browse: "Browse the market",
  unread: (/** @type {number} */ count) => `${count} unread`,
  chatWithSeller: "Chat with the seller",
  openChat: "Open the chat",
  chatAbout: (/** @type {string} */ label, /** @type {string} */ title) => `${label}: ${title}`,
  yours: "This is yours",
  soldBy: (/** @type {string} */ name) => `from ${name}`,
  status: { on_sale: "On sale", reserved: "Reserved", sold: "Sold" },

  sessionEnded: "This session has ended",
  sessionEndedHint: "The server asked this window not to come back by itself.",
  bannedUntil: (/** @type {string | undefined} */ until) => `The marketplace has closed your access until ${until ? moment("en", until) : "further notice"}.`,
  signInElse: "Sign in as somebody else",
  originRefused: (/** @type {string} */ origin) => `Pages of ${origin} may not use this server. Its operator can allow them with --allowed-origin.`,
  signInAgain: "Sign in again",
};

/** @type {typeof en} */
const ko = {
  languageName: "한국어",
  signInLead: "누구로 시작할까요?",
  signInHint: "창을 두 개 열어 한쪽은 구매자, 다른 쪽은 판매자로 로그인해 보세요.",
  buyers: "구매자",
  sellers: "판매자",
  staff: "운영자",
  sells: (titles) => `판매 중: ${titles.join(", ")}`,
  looking: "둘러보는 중",
  loading: "불러오는 중…",
  tryAgain: "다시 시도",
  serverUnreachable: "서버에 연결할 수 없어요.",

  signedInAs: (name) => `${name} 님으로 로그인됨. 계정 및 설정`,
  account: "계정 및 설정",
  switchUserHint: "다른 사용자로 계속하기:",
  signOut: "로그아웃",
  close: "닫기",
  language: "언어",
  wire: "연결 방식",

  chats: "채팅",
  market: "마켓",
  marketLead: "새 주인을 기다리는 물건들이에요.",
  noChatsHint: "마음에 드는 물건을 찾아 판매자에게 말을 걸어 보세요.",
  noChatsHintSeller: "누군가 내 물건을 문의하면 여기에 보여요.",
  browse: "마켓 둘러보기",
  unread: (count) => `안 읽은 메시지 ${count}개`,
  chatWithSeller: "판매자와 채팅하기",
  openChat: "채팅 열기",
  chatAbout: (label, title) => `${label}: ${title}`,
  yours: "내 상품",
  soldBy: (name) => `${name} 님`,
  status: { on_sale: "판매 중", reserved: "예약 중", sold: "판매 완료" },

  sessionEnded: "세션이 종료되었어요",
  sessionEndedHint: "서버가 이 창의 자동 재접속을 허용하지 않았어요.",
  bannedUntil: (until) => `마켓이 이용을 정지했어요. ${until ? `${moment("ko", until)}까지예요.` : "별도 안내가 있을 때까지예요."}`,
  signInElse: "다른 사람으로 로그인",
  originRefused: (/** @type {string} */ origin) => `${origin}의 페이지는 이 서버를 쓸 수 없어요. 서버 운영자가 --allowed-origin으로 허용할 수 있어요.`,
  signInAgain: "다시 로그인",
};

export const languages = { en, ko };

/** @typedef {typeof en} Strings */
/** @typedef {keyof typeof languages} LanguageCode */
