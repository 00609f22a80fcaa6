"""Lints artefacts with pkilint in one process: starting Python for each would take most of the time.

Arguments: KIND:FILE, with the kinds certificate, crl, ocsp, and chain with two files (ISSUER:SUBJECT).
Prints a line for each finding of severity WARNING or above: FILE SEVERITY CODE.
"""

import contextlib
import io
import json
import sys

from pkilint.bin import lint_crl, lint_ocsp_response, lint_pkix_cert, lint_pkix_signer_signee_cert_chain

COMMON = ["--severity", "WARNING", "--format", "JSON", "--document-format", "DER"]
LINTERS = {
    "certificate": (lint_pkix_cert, ["lint"]),
    "crl": (lint_crl, ["lint", "--type", "CRL", "--profile", "PKIX"]),
    "ocsp": (lint_ocsp_response, ["lint"]),
    "chain": (lint_pkix_signer_signee_cert_chain, ["lint"]),
}


def findings(kind, files):
    linter, arguments = LINTERS[kind]
    said, wrong = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(wrong):
        linter.main(arguments + COMMON + files)
    if wrong.getvalue():
        yield "FATAL", wrong.getvalue().strip().replace("\n", " ")
        return
    for result in json.loads(said.getvalue())["results"]:
        for finding in result["finding_descriptions"]:
            yield finding["severity"], finding["code"]


for argument in sys.argv[1:]:
    kind, *files = argument.split(":")
    for severity, code in findings(kind, files):
        print(files[-1], severity, code)
print("linted", len(sys.argv) - 1)
