"""A look at an email as the API and the command show it."""

from penfold.domain.sending.preflight.remarks import Remark, Review, Severity
from penfold.spec.sending import check_schemas as schemas
from penfold.spec.sending.problems import SendingError


def show_review(review: Review) -> schemas.EmailCheck:
    found, spam = review.authentication, review.spam
    return schemas.EmailCheck(
        object="check",
        ok=review.passes,
        size=review.size,
        recipients=review.recipients,
        links=list(review.links),
        findings=[
            schemas.EmailFinding(
                code=one.code, severity=one.severity.value, field=one.field, message=one.message
            )
            for one in review.remarks
        ],
        authentication=schemas.EmailAuthentication(
            spf=found.spf, dkim=found.dkim, dmarc=found.dmarc
        )
        if found
        else None,
        spam=schemas.EmailSpam(
            score=spam.score,
            action=spam.said,
            symbols=[
                schemas.SpamSymbol(name=one.name, score=one.score, description=one.description)
                for one in spam.symbols
            ],
        )
        if spam
        else None,
    )


def review_refusal(error: SendingError) -> Review:
    """Return what is told of an email that would be refused."""
    remarks = [
        Remark(one.code, Severity.ERROR, one.field, one.message) for one in error.errors
    ] or [Remark(error.problem.name, Severity.ERROR, "", error.text)]
    return Review(0, 0, (), tuple(remarks))
