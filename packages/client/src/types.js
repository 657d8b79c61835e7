// @ts-check
/**
 * The shapes that travel, as the contract names them. Types only: nothing here runs.
 *
 * @typedef {object} User
 * @property {string} id the marketplace's own user id
 * @property {string} name
 * @property {string} [nameCode] where the name is the server's own, such as `deleted_user`: put it into words in the user's language
 * @property {string} [avatarUrl]
 *
 * @typedef {User & {role?: string}} DemoUser
 *
 * @typedef {object} Product
 * @property {string} id
 * @property {string} sellerId
 * @property {string} title
 * @property {number} [price] a whole number in the currency's minor unit: 12900 USD is $129.00, 980000 KRW is ₩980,000
 * @property {string} [currency] ISO 4217
 * @property {string} [imageUrl]
 * @property {"on_sale" | "reserved" | "sold"} status
 *
 * @typedef {object} RoomInfo
 * @property {string} id
 * @property {Product} product
 * @property {User} buyer
 * @property {User} seller
 * @property {string} createdAt RFC 3339, UTC
 *
 * @typedef {object} Message
 * @property {string} id
 * @property {string} roomId
 * @property {number} seq counts 1, 2, 3 … in its room, without a hole
 * @property {string} senderId
 * @property {string} [clientId] the sender's idempotency key
 * @property {string} kind `text`, `offer`, `image`, `system`; treat an unknown one as `text`
 * @property {string} [text]
 * @property {any} [data]
 * @property {string} sentAt RFC 3339, UTC, milliseconds
 * @property {string} [editedAt]
 * @property {string} [deletedAt]
 * @property {string[]} [warnings] ways to reach somebody outside that its words hold: `phone`, `email`, `bank_account`, `messenger`
 *
 * @typedef {object} OfferData `data` of a message of the kind `offer`
 * @property {number} amount in the currency's minor unit
 * @property {string} currency ISO 4217
 * @property {"pending" | "accepted" | "declined" | "withdrawn" | "countered" | "expired" | "superseded"} status
 * @property {string} expiresAt when it stops to wait for an answer
 * @property {string} [statusAt] when it was answered
 *
 * @typedef {object} ImageData `data` of a message of the kind `image`
 * @property {string} url a path of the server, good for a day
 * @property {string} thumbnailUrl
 * @property {number} width
 * @property {number} height
 *
 * @typedef {object} Settings what is shared with the other member; each switch counts for both directions
 * @property {boolean} readReceipts
 * @property {boolean} typing
 * @property {boolean} presence
 *
 * @typedef {object} Found a message that was searched for
 * @property {Message} message
 * @property {RoomInfo} room
 * @property {{text: string, hit: boolean}[]} snippet
 *
 * @typedef {User & {online: boolean, readSeq: number}} Member
 *
 * @typedef {object} Entered answer to `enterRoom`
 * @property {RoomInfo} room
 * @property {Member[]} members
 * @property {number} lastSeq
 * @property {number} readSeq the signed-in user's own
 * @property {Message[]} messages oldest first
 * @property {boolean} closed nobody can say anything here: one of the two has blocked the other
 * @property {boolean} hasMore more on the far side: newer ones when asked with `after`, older ones when not
 * @property {string} serverTime RFC 3339, UTC
 *
 * @typedef {object} InboxFields
 * @property {User} other the member who is not the signed-in user
 * @property {Message} [lastMessage]
 * @property {number} lastSeq
 * @property {number} readSeq
 * @property {number} unread
 * @property {boolean} closed
 *
 * @typedef {RoomInfo & InboxFields} InboxItem
 *
 * @typedef {object} Draft a message that the server has not acknowledged yet
 * @property {string} clientId
 * @property {string} roomId
 * @property {string} text
 * @property {string} createdAt
 * @property {"sending" | "failed"} state
 * @property {string} [errorCode] why it failed: one of the contract's codes
 * @property {string} [errorMessage]
 * @property {string} [errorUntil] of `muted`: when it ends
 *
 * @typedef {"idle" | "connecting" | "open" | "waiting" | "closed"} ConnectionState
 *   `waiting`: lost, and coming back by itself; `closed`: ended for good, see the error that came with it
 *
 * @typedef {object} Line one connection of a wire, from its attempt to its end
 * @property {(event: string, data: any, answered: (answer: {data?: any, error?: any}) => void) => void} request
 * @property {(event: string, data: any) => void} notify asks for no answer
 * @property {() => void} close ends it; it says nothing any more
 *
 * @typedef {object} LineEvents what a line says, never before its wire has returned it
 * @property {() => void} opened
 * @property {(push: {event: string, data: any}) => void} pushed everything that is not an answer
 * @property {(code: number) => void} lost it has ended with a close code of the contract, or could not be opened: 1006 where nobody says why
 *
 * @typedef {(token: string, events: LineEvents) => Line} Wire starts one connection
 */
export {};
