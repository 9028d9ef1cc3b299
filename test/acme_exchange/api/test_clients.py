from acme_exchange.api.clients import MOST_AN_ADDRESS, Clients


def entered(clients: Clients, address: str, number: int, gone: list) -> list:
    made = []
    for _ in range(number):
        client = clients.enter(address)
        client.disconnect = lambda client=client: gone.append(client)
        made.append(client)
    return made


def test_at_an_address_s_bound_its_oldest_that_has_asked_nothing_leaves():
    clients, gone = Clients(), []
    first, second, *_ = entered(clients, "a", MOST_AN_ADDRESS, gone)
    first.answered()
    assert clients.enter("a") is not None
    assert (gone, len(clients)) == ([second], MOST_AN_ADDRESS)


def test_whoever_holds_the_most_goes_when_all_together_hold_too_much():
    clients, gone = Clients(most_held=1_000), []
    authenticated, modest, greedy, other = entered(clients, "a", 4, gone)
    authenticated.authenticated()
    authenticated.hold(300), modest.hold(50), greedy.hold(400), other.hold(250)
    assert gone == []
    other.hold(1)
    assert gone == [greedy]
    greedy.hold(10_000)
    authenticated.hold(399)
    assert gone == [greedy]
    authenticated.hold(1)
    assert gone == [greedy, authenticated], "what those without a key hold is the smaller part"
    modest.hold(-50), other.hold(700)
    other.hold(100)
    assert gone == [greedy, authenticated, other] and clients.enter("b") is not None


def test_at_the_bound_of_all_the_address_with_the_most_makes_room():
    clients, gone = Clients(most=12), []
    modest, crowd = entered(clients, "modest", 4, gone), entered(clients, "crowd", 8, gone)
    assert clients.enter("new") is not None
    assert gone == crowd[:1] and modest[0] not in gone


def test_nobody_who_has_shown_a_key_or_listens_is_sent_away():
    clients, gone = Clients(most=4), []
    authenticated, listening, other = entered(clients, "a", 3, gone)
    authenticated.authenticated()
    assert listening.may_listen()
    other.authenticated()
    assert clients.enter("a") is None and gone == []
    other.leave()
    assert clients.enter("a") is not None


def test_not_all_room_goes_to_those_who_listen_without_a_key():
    clients, gone = Clients(most=16), []
    allowed = [client.may_listen() for client in entered(clients, "a", 12, gone)]
    assert allowed == [True] * 6 + [False] * 6
    authenticated = entered(clients, "b", 1, gone)[0]
    authenticated.authenticated()
    assert authenticated.may_listen()


def test_who_leaves_twice_leaves_once():
    clients = Clients()
    client = clients.enter("a")
    client.leave()
    client.leave()
    assert len(clients) == 0 and clients.enter("a") is not None
