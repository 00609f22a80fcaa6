import java.io.*;
import java.nio.file.*;
import java.security.cert.*;
import java.util.*;

/**
 * What the JDK's PKIX implementation says of cases by CRLs alone: a line for each, {@code good}, or in
 * one word what the certificate or its path is, and what was wrong.
 *
 * <p>Arguments: the time in milliseconds, and the folder of the folders {@code 0}, {@code 1} and so on,
 * each with {@code anchor.pem}, {@code target.pem}, {@code untrusted.pem} where there are CAs between, and
 * {@code 0.crl.pem}, {@code 1.crl.pem} and so on.
 */
class Crls {
    public static void main(String[] args) throws Exception {
        Date at = new Date(Long.parseLong(args[0]));
        Path folder = Path.of(args[1]);
        for (int n = 0; Files.exists(folder.resolve(String.valueOf(n))); n++) {
            System.out.println(verdict(at, folder.resolve(String.valueOf(n))));
        }
    }

    static String verdict(Date at, Path folder) throws Exception {
        CertificateFactory x509 = CertificateFactory.getInstance("X.509");
        List<Object> store = new ArrayList<>();
        try {
            for (int n = 0; Files.exists(folder.resolve(n + ".crl.pem")); n++) {
                store.add(x509.generateCRL(open(folder, n + ".crl.pem")));
            }
        } catch (CRLException e) {
            return "unreadable: " + message(e);
        }
        List<X509Certificate> chain = new ArrayList<>();
        chain.addAll(certificates(x509, folder, "target.pem"));
        if (Files.exists(folder.resolve("untrusted.pem"))) {
            List<X509Certificate> between = certificates(x509, folder, "untrusted.pem");
            Collections.reverse(between);
            chain.addAll(between);
        }
        TrustAnchor root = new TrustAnchor(certificates(x509, folder, "anchor.pem").get(0), null);
        CertPathValidator validator = CertPathValidator.getInstance("PKIX");
        PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
        checker.setOptions(EnumSet.of(
                PKIXRevocationChecker.Option.PREFER_CRLS, PKIXRevocationChecker.Option.NO_FALLBACK));
        PKIXParameters parameters = new PKIXParameters(Set.of(root));
        parameters.setDate(at);
        parameters.addCertStore(
                CertStore.getInstance("Collection", new CollectionCertStoreParameters(store)));
        parameters.addCertPathChecker(checker);
        try {
            validator.validate(x509.generateCertPath(chain), parameters);
            return "good";
        } catch (CertPathValidatorException e) {
            return word(e) + ": " + e.getReason() + ", " + message(e);
        }
    }

    static String word(CertPathValidatorException e) {
        if (e.getReason() == CertPathValidatorException.BasicReason.REVOKED) {
            return "revoked";
        }
        boolean open = e.getReason() == CertPathValidatorException.BasicReason.UNDETERMINED_REVOCATION_STATUS;
        return open ? "undetermined" : "path_invalid";
    }

    /** The innermost message says what was wrong. */
    static String message(Throwable e) {
        while (e.getCause() != null && e.getCause().getMessage() != null) {
            e = e.getCause();
        }
        return String.valueOf(e.getMessage()).replace('\n', ' ');
    }

    static List<X509Certificate> certificates(CertificateFactory x509, Path folder, String name)
            throws Exception {
        List<X509Certificate> read = new ArrayList<>();
        try (InputStream in = open(folder, name)) {
            for (Certificate one : x509.generateCertificates(in)) {
                read.add((X509Certificate) one);
            }
        }
        return read;
    }

    static InputStream open(Path folder, String name) throws IOException {
        return new ByteArrayInputStream(Files.readAllBytes(folder.resolve(name)));
    }
}
