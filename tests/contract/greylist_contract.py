"""What every GreylistBook keeps; a test class says how to make one with `most` rows."""

from penfold.ports.greylist import Sighting


class GreylistContract:
    def test_what_was_saved_is_found_and_replaced(self, make):
        book = make()
        assert book.find(b"k") is None
        book.save(b"k", Sighting(1, 2, False))
        book.save(b"other", Sighting(5, 5, False))
        book.save(b"k", Sighting(1, 3, True))
        assert book.find(b"k") == Sighting(1, 3, True)

    def test_what_was_not_seen_since_is_forgotten(self, make):
        book = make()
        for n in range(4):
            book.save(b"%d" % n, Sighting(0, n, True))
        assert book.expire(before_ms=2, waiting_before_ms=9) == 2
        assert [book.find(b"%d" % n) is not None for n in range(4)] == [False, False, True, True]

    def test_what_never_came_again_is_forgotten_sooner(self, make):
        book = make()
        for n in range(4):
            book.save(b"%d" % n, Sighting(n, n, n == 1))
        assert book.expire(before_ms=1, waiting_before_ms=3) == 2
        assert [book.find(b"%d" % n) is not None for n in range(4)] == [False, True, False, True]

    def test_those_not_seen_for_longest_make_room(self, make):
        book = make(most=5)
        for n in range(5):
            book.save(b"%d" % n, Sighting(0, n, False))
        book.save(b"0", Sighting(0, 9, True))  # replaces, needs no room
        assert book.find(b"1") is not None
        book.save(b"new", Sighting(10, 10, False))
        assert book.find(b"new") is not None
        assert book.find(b"1") is None

    def test_what_was_forgotten_leaves_room(self, make):
        book = make(most=2)
        book.save(b"old", Sighting(0, 1, False))
        book.save(b"kept", Sighting(0, 2, False))
        book.expire(before_ms=2, waiting_before_ms=2)
        book.save(b"new", Sighting(3, 3, False))
        assert book.find(b"kept") is not None
