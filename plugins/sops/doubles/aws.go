package doubles

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// AWS is KMS of AWS, with one key.
type AWS struct {
	Log
	URL string
	// ARN is the key. ID and Secret are the credentials that may use it.
	ARN, ID, Secret string

	t    testing.TB
	seal cipher.AEAD
}

// NewAWS starts it.
func NewAWS(t testing.TB) *AWS {
	block, err := aes.NewCipher(random(t, 32))
	if err != nil {
		t.Fatal(err)
	}
	a := &AWS{
		ARN: "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
		ID:  "AKIAEXAMPLE" + strings.ToUpper(hex.EncodeToString(random(t, 4))), Secret: hex.EncodeToString(random(t, 20)),
		t: t,
	}
	if a.seal, err = cipher.NewGCM(block); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.URL = server.URL
	return a
}

func random(t testing.TB, n int) []byte {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// Credentials are those, as Flux's Secrets have them.
func (a *AWS) Credentials() string {
	return fmt.Sprintf("aws_access_key_id: %s\naws_secret_access_key: %s\n", a.ID, a.Secret)
}

// awsCall is Encrypt or Decrypt.
type awsCall struct {
	KeyID             string            `json:"KeyId"`
	Plaintext         []byte            `json:"Plaintext"`
	CiphertextBlob    []byte            `json:"CiphertextBlob"`
	EncryptionContext map[string]string `json:"EncryptionContext"`
}

// ServeHTTP is the API: POST /, the operation in a header.
func (a *AWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
	fail := func(status int, code, message string) {
		answer(a.t, w, "application/x-amz-json-1.1", status, map[string]string{"__type": code, "message": message})
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	switch {
	case err != nil:
		return
	case r.Method != http.MethodPost || r.URL.Path != "/" || !ok || r.Header.Get("Content-Type") != "application/x-amz-json-1.1":
		fail(http.StatusNotFound, "UnknownOperationException", "")
		return
	}
	switch status := a.note(operation); {
	case status == http.StatusTooManyRequests:
		fail(http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
		return
	case status != 0:
		fail(status, "KMSInternalException", "try again")
		return
	}
	if err := a.signed(r, body); err != nil {
		fail(http.StatusBadRequest, "InvalidSignatureException", err.Error())
		return
	}
	var call awsCall
	in := json.NewDecoder(bytes.NewReader(body))
	in.DisallowUnknownFields()
	if err := in.Decode(&call); err != nil {
		fail(http.StatusBadRequest, "SerializationException", err.Error())
		return
	}
	if call.KeyID != a.ARN {
		fail(http.StatusBadRequest, "AccessDeniedException", "User is not authorized to perform: kms:"+operation+" on resource: "+call.KeyID)
		return
	}
	a.do(w, operation, call, fail)
}

func (a *AWS) do(w http.ResponseWriter, operation string, call awsCall, fail func(int, string, string)) {
	reply := map[string]any{"KeyId": a.ARN, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}
	switch operation {
	case "Encrypt":
		nonce := random(a.t, a.seal.NonceSize())
		reply["CiphertextBlob"] = a.seal.Seal(nonce, nonce, call.Plaintext, contextBytes(call.EncryptionContext))
	case "Decrypt":
		n := a.seal.NonceSize()
		if len(call.CiphertextBlob) < n {
			fail(http.StatusBadRequest, "InvalidCiphertextException", "")
			return
		}
		plain, err := a.seal.Open(nil, call.CiphertextBlob[:n], call.CiphertextBlob[n:], contextBytes(call.EncryptionContext))
		if err != nil {
			fail(http.StatusBadRequest, "InvalidCiphertextException", "")
			return
		}
		reply["Plaintext"] = plain
	default:
		fail(http.StatusBadRequest, "UnknownOperationException", "")
		return
	}
	answer(a.t, w, "application/x-amz-json-1.1", http.StatusOK, reply)
}

func contextBytes(of map[string]string) []byte {
	var b []byte
	for _, key := range slices.Sorted(maps.Keys(of)) {
		b = fmt.Appendf(b, "%q=%q,", key, of[key])
	}
	return b
}

var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/kms/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$`)

// signed signs the request again, and compares.
func (a *AWS) signed(r *http.Request, body []byte) error {
	match := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	switch {
	case match == nil:
		return errors.New("no signature of version 4")
	case match[1] != a.ID:
		return errors.New("the security token included in the request is invalid")
	case err != nil || time.Since(at).Abs() > 5*time.Minute:
		return errors.New("signature expired")
	case !strings.HasPrefix(a.ARN, "arn:aws:kms:"+match[3]+":"):
		return errors.New("credential should be scoped to a valid region")
	}
	again := httptest.NewRequestWithContext(r.Context(), r.Method, "http://"+r.Host+r.URL.RequestURI(), bytes.NewReader(body))
	for _, name := range strings.Split(match[4], ";") {
		if values := r.Header.Values(name); name != "host" && name != "content-length" && len(values) > 0 {
			again.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	if !strings.Contains(";"+match[4]+";", ";content-length;") {
		again.ContentLength = -1
	}
	sum := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: a.ID, SecretAccessKey: a.Secret}
	if err := v4.NewSigner().SignHTTP(r.Context(), credentials, again, hex.EncodeToString(sum[:]), "kms", match[3], at); err != nil {
		return err
	}
	if got := authorization.FindStringSubmatch(again.Header.Get("Authorization")); got == nil || got[4] != match[4] || got[5] != match[5] {
		return errors.New("the request signature we calculated does not match the signature you provided")
	}
	return nil
}
