"""DMARC and TLS reports, as XML and JSON, for the tests and the fuzzer.

The first is after RFC 9990 appendix B, the second what a large receiver of today writes (RFC 7489
appendix C); the third is after RFC 8460 appendix B. Names and addresses are made up.
"""

NEW = b"""<?xml version="1.0" encoding="utf-8"?>
<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">
  <version>1.0</version>
  <report_metadata>
    <org_name>Sample Reporter</org_name>
    <email>report_sender@example-reporter.com</email>
    <extra_contact_info>https://example-reporter.com/dmarc</extra_contact_info>
    <report_id>3v98abbp8ya9n3va8yr8oa3ya</report_id>
    <date_range><begin>302832000</begin><end>302918399</end></date_range>
    <error>no DNS for a while</error>
    <generator>Example DMARC Aggregate Reporter v1.2</generator>
  </report_metadata>
  <policy_published>
    <domain>Example.com.</domain>
    <discovery_method>treewalk</discovery_method>
    <p>quarantine</p><sp>none</sp><np>none</np><testing>n</testing>
  </policy_published>
  <record>
    <row>
      <source_ip>192.0.2.123</source_ip>
      <count>123</count>
      <policy_evaluated>
        <disposition>pass</disposition><dkim>pass</dkim><spf>fail</spf>
      </policy_evaluated>
    </row>
    <identifiers>
      <envelope_from>example.com</envelope_from><header_from>example.com</header_from>
    </identifiers>
    <auth_results>
      <dkim><domain>example.com</domain><selector>abc123</selector><result>pass</result></dkim>
      <spf><domain>example.com</domain><result>fail</result></spf>
    </auth_results>
  </record>
</feedback>
"""

OLD = b"""<?xml version="1.0" encoding="UTF-8" ?>
<feedback>
  <report_metadata>
    <org_name>google.com</org_name>
    <email>noreply-dmarc-support@google.com</email>
    <report_id>1234567890</report_id>
    <date_range><begin>1795737600</begin><end>1795823999.0</end></date_range>
  </report_metadata>
  <policy_published>
    <domain>example.org</domain><adkim>r</adkim><aspf>R</aspf><p>reject</p><sp>reject</sp><pct>100</pct>
  </policy_published>
  <record>
    <row>
      <source_ip>2001:DB8::1</source_ip><count>2</count>
      <policy_evaluated>
        <disposition>None</disposition><dkim>fail</dkim><spf>fail</spf>
        <reason><type>local_policy</type><comment>arc=pass</comment></reason>
        <reason><type>forwarded</type></reason>
      </policy_evaluated>
    </row>
    <identifiers><header_from>example.org</header_from></identifiers>
    <auth_results>
      <dkim><domain>a.example</domain><result>fail</result><human_result>body hash</human_result></dkim>
      <dkim><domain>b.example</domain><result>pass</result></dkim>
      <spf><domain>list.example</domain><scope>mfrom</scope><result>pass</result></spf>
    </auth_results>
  </record>
  <record><row><source_ip>nowhere</source_ip><count>1</count></row></record>
  <record><row><source_ip>192.0.2.1</source_ip><count>-1</count></row></record>
</feedback>
"""

TLS = b"""{
  "organization-name": "Company-X",
  "date-range": {
    "start-datetime": "2016-04-01T00:00:00Z",
    "end-datetime": "2016-04-01T23:59:59Z"
  },
  "contact-info": "sts-reporting@company-x.example",
  "report-id": "5065427c-23d3-47ca-b6e0-946ea0e8c4be",
  "policies": [{
    "policy": {
      "policy-type": "sts",
      "policy-string": ["version: STSv1","mode: testing","mx: *.mail.company-y.example"],
      "policy-domain": "Company-Y.example",
      "mx-host": "*.mail.company-y.example"
    },
    "summary": {
      "total-successful-session-count": 5326,
      "total-failure-session-count": "303"
    },
    "failure-details": [{
      "result-type": "certificate-expired",
      "sending-mta-ip": "2001:db8:abcd:0012::1",
      "receiving-mx-hostname": "mx1.mail.company-y.example",
      "failed-session-count": 100
    }, {
      "result-type": "validation-failure",
      "sending-mta-ip": "198.51.100.62",
      "receiving-ip": "203.0.113.58",
      "receiving-mx-hostname": "mx-backup.mail.company-y.example",
      "failed-session-count": 3,
      "failure-reason-code": "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED",
      "additional-info": "see the log"
    }]
  }]
}
"""


def make_mail(data, *, kind="application/gzip", name="google.com!example.org!1!2.xml.gz"):
    """Return a message with a report attached in base64."""
    import base64

    return (
        (
            "From: noreply@google.com\nSubject: Report domain: example.org\nMIME-Version: 1.0\n"
            'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nHi\n'
            f'--b\nContent-Type: {kind}; name="{name}"\n'
            f'Content-Disposition: attachment; filename="{name}"\nContent-Transfer-Encoding: base64\n\n'
        ).encode()
        + base64.encodebytes(data)
        + b"--b--\n"
    )
