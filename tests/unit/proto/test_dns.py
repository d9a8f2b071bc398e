"""Checks that ask, and who answers them."""

from penfold.proto.dns import Answer, Exchange, Question, Status, ask_once, run_check


def count_hosts(domain):
    exchanges = yield Question(domain, "MX")
    count = 0
    for each in exchanges.exchanges:
        found = yield Question(each.host, "A")
        count += len(found.addresses)
    return count


def test_a_check_is_sent_the_answer_to_each_of_its_questions():
    table = {
        Question("x.example", "MX"): Answer(
            Status.FOUND, (Exchange(10, "a.x.example"), Exchange(20, "b.x.example"))
        ),
        Question("a.x.example", "A"): Answer(Status.FOUND, ("192.0.2.1", "192.0.2.2")),
    }
    asked = []

    def look_up(question):
        asked.append(question)
        return table.get(question, Answer(Status.ABSENT))

    assert run_check(count_hosts("x.example"), look_up) == 2
    assert [question.name for question in asked] == ["x.example", "a.x.example", "b.x.example"]


def test_a_check_that_asks_nothing_has_its_result():
    def check():
        return "known"
        yield

    assert run_check(check(), dict.get) == "known"


def test_a_check_that_remembers_asks_no_question_twice():
    def check():
        statuses = []
        for name in ("x.example", "y.example", "x.example", "x.example"):
            answer = yield Question(name, "TXT")
            statuses.append(answer.status)
        return statuses

    answers = {"x.example": Answer(Status.FOUND), "y.example": Answer(Status.FAILED)}
    asked = []

    def look_up(question):
        asked.append(question.name)
        return answers[question.name]

    found = run_check(ask_once(check()), look_up)
    assert [status.value for status in found] == ["found", "failed", "found", "found"]
    assert asked == ["x.example", "y.example"]
