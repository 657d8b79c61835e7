#!/usr/bin/env python3
"""Writes rooms for a benchmark: NAME.ndjson for `haggle import`, NAME.tsv (room, buyer, seller) for the load generator."""

import argparse
import json


def lines(rooms, messages, sellers, users):
    """The lines of the import, parents before children. Where `sellers` or `users` is 0, each room has its own."""
    sellers, buyers = sellers or rooms, users or rooms
    for seller in range(sellers):
        yield {"type": "user", "id": f"s{seller}", "name": f"Seller {seller}"}
    for buyer in range(buyers):
        yield {"type": "user", "id": f"b{buyer}", "name": f"Buyer {buyer}"}
    for room in range(rooms):
        yield {"type": "product", "id": f"p{room}", "sellerId": f"s{room % sellers}", "title": f"Bike {room}"}
        yield {"type": "room", "id": f"room-{room:08}", "productId": f"p{room}", "buyerId": f"b{room % buyers}"}
    # Round after round, so that a room's messages lie apart on the disk, as they would.
    for number in range(messages):
        for room in range(rooms):
            yield {
                "type": "message",
                "roomId": f"room-{room:08}",
                "senderId": f"b{room % buyers}" if number % 2 == 0 else f"s{room % sellers}",
                "text": f"Message {number} about the bike: is it still there, and would you take a little less for it?",
                "sentAt": "2026-01-01T09:00:00.000Z",
            }


def write_lines(path, rooms, messages=0, sellers=0, users=0):
    with open(path, "w", encoding="utf-8") as file:
        for line in lines(rooms, messages, sellers, users):
            file.write(json.dumps(line) + "\n")


def write_rooms(path, rooms, sellers=0, users=0):
    with open(path, "w", encoding="utf-8") as file:
        for room in range(rooms):
            file.write(f"room-{room:08}\tb{room % (users or rooms)}\ts{room % (sellers or rooms)}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=0, help="in each room")
    parser.add_argument("--sellers", type=int, default=0, help="how many share the rooms; 0: one a room")
    parser.add_argument("--users", type=int, default=0, help="how many buyers share the rooms; 0: one a room")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    write_lines(f"{args.out}.ndjson", args.rooms, args.messages, args.sellers, args.users)
    write_rooms(f"{args.out}.tsv", args.rooms, args.sellers, args.users)
