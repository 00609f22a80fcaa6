import java.io.*;
import java.nio.file.*;
import java.security.cert.*;
import java.util.*;

/**
 * What the JDK's PKIX implementation says of cases, each a folder, by OCSP responses alone: a line for
 * each, {@code good}, {@code revoked}, or what was wrong.
 *
 * <p>Arguments: the time in milliseconds, and the folder of {@code root.pem}, {@code issuing.pem},
 * {@code client.pem} and {@code 0.der}, {@code 1.der} and so on, with {@code 0.nonce} where a nonce was
 * sent.
 */
class Ocsp {
    public static void main(String[] args) throws Exception {
        Date at = new Date(Long.parseLong(args[0]));
        Path folder = Path.of(args[1]);
        TrustAnchor root = new TrustAnchor(read(folder, "root"), null);
        X509Certificate client = read(folder, "client");
        CertPath path = CertificateFactory.getInstance("X.509")
                .generateCertPath(List.of(client, read(folder, "issuing")));
        for (int n = 0; Files.exists(folder.resolve(n + ".der")); n++) {
            byte[] response = Files.readAllBytes(folder.resolve(n + ".der"));
            Path nonce = folder.resolve(n + ".nonce");
            byte[] sent = Files.exists(nonce) ? Files.readAllBytes(nonce) : null;
            System.out.println(verdict(at, root, path, client, response, sent));
        }
    }

    static String verdict(
            Date at, TrustAnchor root, CertPath path, X509Certificate client, byte[] response, byte[] nonce)
            throws Exception {
        CertPathValidator validator = CertPathValidator.getInstance("PKIX");
        PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
        checker.setOptions(EnumSet.of(
                PKIXRevocationChecker.Option.NO_FALLBACK, PKIXRevocationChecker.Option.ONLY_END_ENTITY));
        checker.setOcspResponses(Map.of(client, response));
        if (nonce != null) {
            checker.setOcspExtensions(List.of(new Nonce(nonce)));
        }
        PKIXParameters parameters = new PKIXParameters(Set.of(root));
        parameters.setDate(at);
        parameters.addCertPathChecker(checker);
        try {
            validator.validate(path, parameters);
            return "good";
        } catch (CertPathValidatorException e) {
            boolean revoked = e.getReason() == CertPathValidatorException.BasicReason.REVOKED;
            return (revoked ? "revoked: " : "undetermined: ") + message(e);
        }
    }

    /** RFC 9654; the value as it stands in extnValue. */
    record Nonce(byte[] value) implements java.security.cert.Extension {
        public String getId() {
            return "1.3.6.1.5.5.7.48.1.2";
        }

        public boolean isCritical() {
            return false;
        }

        public byte[] getValue() {
            return value;
        }

        public void encode(OutputStream out) throws IOException {
            throw new IOException("it is not sent");
        }
    }

    /** The innermost message says what was wrong. */
    static String message(Throwable e) {
        while (e.getCause() != null && e.getCause().getMessage() != null) {
            e = e.getCause();
        }
        return String.valueOf(e.getMessage()).replace('\n', ' ');
    }

    static X509Certificate read(Path folder, String name) throws Exception {
        try (InputStream in = Files.newInputStream(folder.resolve(name + ".pem"))) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }
}
