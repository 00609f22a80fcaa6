import java.io.FileInputStream;
import java.security.cert.*;
import java.util.*;

/**
 * What the JDK's PKIX implementation says about certificates, with revocation checking by OCSP or by
 * CRL alone. A line for each: the file, and {@code accepted}, or the reason and the message.
 *
 * <p>Arguments: {@code ocsp} or {@code crl}, the root, the issuing CA, and the certificates, as files.
 * After {@code --} come another root, issuing CA and certificates.
 */
class Pkix {
    public static void main(String[] args) throws Exception {
        boolean crl = args[0].equals("crl");
        Deque<String> files = new ArrayDeque<>(Arrays.asList(args).subList(1, args.length));
        while (!files.isEmpty()) {
            TrustAnchor root = new TrustAnchor(read(files.pop()), null);
            X509Certificate issuing = read(files.pop());
            while (!files.isEmpty() && !files.peek().equals("--")) {
                String file = files.pop();
                System.out.println(file + ": " + verdict(crl, root, issuing, file));
            }
            files.poll();
        }
    }

    static String verdict(boolean crl, TrustAnchor root, X509Certificate issuing, String file) throws Exception {
        CertPath path = CertificateFactory.getInstance("X.509").generateCertPath(List.of(read(file), issuing));
        CertPathValidator validator = CertPathValidator.getInstance("PKIX");
        PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
        Set<PKIXRevocationChecker.Option> options = EnumSet.of(PKIXRevocationChecker.Option.NO_FALLBACK);
        if (crl) {
            options.add(PKIXRevocationChecker.Option.PREFER_CRLS);
        }
        checker.setOptions(options);
        PKIXParameters parameters = new PKIXParameters(Set.of(root));
        parameters.addCertPathChecker(checker);
        try {
            validator.validate(path, parameters);
            return "accepted";
        } catch (CertPathValidatorException e) {
            return e.getReason() + ": " + message(e);
        }
    }

    /** The innermost message says what was wrong, the outer ones only that something was. */
    static String message(Throwable e) {
        while (e.getCause() != null && e.getCause().getMessage() != null) {
            e = e.getCause();
        }
        return String.valueOf(e.getMessage()).replace('\n', ' ');
    }

    static X509Certificate read(String file) throws Exception {
        try (FileInputStream in = new FileInputStream(file)) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }
}
