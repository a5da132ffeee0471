package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// awsDouble answers as Secrets Manager, Systems Manager and the Security Token
// Service do, and checks what they check: method, target, content type, the
// signature and its scope, and the shape of the payload.
type awsDouble struct {
	t       *testing.T
	service string // in the signature's scope
	prefix  string // of X-Amz-Target

	mu       sync.Mutex // guards the fields below
	throttle int        // so many requests fail first
	asked    []string
	refused  []string
}

const (
	awsID      = "AKIDEXAMPLE"
	awsSecret  = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY"
	stsID      = "ASIDEXAMPLE"
	stsSecret  = "sts-s3cret-of-the-role"
	stsSession = "session-t0ken"
	awsRole    = "arn:aws:iam::123456789012:role/reader"
)

func (d *awsDouble) fail(w http.ResponseWriter, code int, kind, message string) {
	d.refused = append(d.refused, kind+": "+message)
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(code)
	fmt.Fprintf(w, `{"__type":%q,"message":%q}`, kind, message)
}

func (d *awsDouble) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		d.t.Error(err)
	}
	target, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), d.prefix+".")
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/" || !ok || r.Header.Get("Content-Type") != "application/x-amz-json-1.1":
		d.fail(w, 400, "UnknownOperationException", r.Method+" "+r.Header.Get("X-Amz-Target"))
		return
	case d.throttle > 0:
		d.throttle--
		d.fail(w, 400, "ThrottlingException", "Rate exceeded")
		return
	}
	if err := verifyAWS(r, body, "eu-west-1", d.service); err != nil {
		d.fail(w, 403, "InvalidSignatureException", err.Error())
		return
	}
	d.asked = append(d.asked, target)
	answer, kind, message := d.operate(target, body)
	if kind != "" {
		d.fail(w, 400, kind, message)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(answer) // the client sees a broken answer
}

type awsSecretValue struct {
	Name         string
	SecretString string `json:",omitempty"`
	SecretBinary []byte `json:",omitempty"`
	VersionID    string `json:"VersionId,omitempty"`
}

var awsSecrets = []awsSecretValue{
	{Name: "shop/db", SecretString: `{"user":"ann","password":"` + canary + `","nested":{"port":5432}}`},
	{Name: "shop/key", SecretBinary: []byte("b1nary\x00")},
	{Name: "shop/token", SecretString: "t0ken-of-shop"},
}

// operate answers an operation, or says what kind of error it is.
func (d *awsDouble) operate(target string, body []byte) (answer any, kind, message string) {
	read := func(into any) bool {
		in := json.NewDecoder(bytes.NewReader(body))
		in.DisallowUnknownFields()
		return in.Decode(into) == nil
	}
	switch d.service + " " + target {
	case "secretsmanager GetSecretValue":
		var ask struct{ SecretID, VersionID, VersionStage string }
		if !read(&ask) || ask.SecretID == "" {
			break
		}
		i := slices.IndexFunc(awsSecrets, func(s awsSecretValue) bool { return s.Name == ask.SecretID })
		switch {
		case i < 0:
			return nil, "ResourceNotFoundException", "Secrets Manager can't find the specified secret."
		case ask.VersionStage == "AWSPREVIOUS":
			return awsSecretValue{Name: ask.SecretID, SecretString: "the previous one"}, "", ""
		case ask.VersionID == "11111111-1111-1111-1111-111111111111":
			return awsSecretValue{Name: ask.SecretID, SecretString: "a stated one", VersionID: ask.VersionID}, "", ""
		case ask.VersionStage == "AWSCURRENT":
			return awsSecrets[i], "", ""
		}
		return nil, "ResourceNotFoundException", "no such version"
	case "secretsmanager DescribeSecret":
		var ask struct{ SecretID string }
		if !read(&ask) {
			break
		}
		return map[string]any{"Name": ask.SecretID, "Tags": []any{map[string]string{"Key": "team", "Value": "web"}}}, "", ""
	case "secretsmanager ListSecrets", "secretsmanager BatchGetSecretValue":
		var ask struct {
			NextToken string
			Filters   []struct {
				Key    string
				Values []string
			}
		}
		if !read(&ask) {
			break
		}
		page := map[string]any{}
		rest := awsSecrets
		if ask.NextToken == "" {
			page["NextToken"], rest = "page-2", rest[:2]
		} else if rest = rest[2:]; ask.NextToken != "page-2" {
			return nil, "InvalidNextTokenException", ask.NextToken
		}
		if target == "ListSecrets" {
			page["SecretList"] = rest
			return page, "", ""
		}
		if len(ask.Filters) == 0 {
			break
		}
		page["SecretValues"] = rest
		return page, "", ""
	case "ssm GetParameter":
		var ask struct {
			Name           string
			WithDecryption bool
		}
		if !read(&ask) || !ask.WithDecryption {
			break
		}
		value, ok := map[string]string{"/shop/db": canary, "/shop/json": `{"a":{"b":"c"}}`, "/shop/db:2": "second"}[ask.Name]
		if !ok {
			return nil, "ParameterNotFound", ""
		}
		return map[string]any{"Parameter": map[string]any{"Name": ask.Name, "Value": value, "Type": "SecureString"}}, "", ""
	case "ssm GetParametersByPath":
		var ask struct {
			Path, NextToken           string
			Recursive, WithDecryption bool
		}
		if !read(&ask) || !ask.Recursive || !ask.WithDecryption || ask.Path != "/shop" {
			break
		}
		if ask.NextToken == "" {
			return map[string]any{"NextToken": "page-2", "Parameters": []any{map[string]string{"Name": "/shop/db", "Value": canary}}}, "", ""
		}
		return map[string]any{"Parameters": []any{map[string]string{"Name": "/shop/other", "Value": "o"}}}, "", ""
	}
	return nil, "ValidationException", target + ": " + string(body)
}

// stsDouble gives credentials for the token of a ServiceAccount, unsigned, or for
// a role, signed.
func stsDouble(t *testing.T, token string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		form, err := url.ParseQuery(string(body))
		action := form.Get("Action")
		ok := err == nil && r.Method == http.MethodPost && form.Get("Version") == "2011-06-15" && form.Get("RoleArn") == awsRole && form.Get("RoleSessionName") != ""
		switch action {
		case "AssumeRoleWithWebIdentity":
			ok = ok && form.Get("WebIdentityToken") == token && r.Header.Get("Authorization") == ""
		case "AssumeRole":
			ok = ok && verifyAWS(r, body, "eu-west-1", "sts") == nil && form.Get("ExternalId") == "shop"
		default:
			ok = false
		}
		w.Header().Set("Content-Type", "text/xml")
		if !ok {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>`)
			return
		}
		fmt.Fprintf(w, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></%[1]sResult></%[1]sResponse>`, action, stsID, stsSecret, stsSession)
	})
}

// verifyAWS computes signature version 4 anew.
func verifyAWS(r *http.Request, body []byte, region, service string) error {
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return fmt.Errorf("no signature")
	}
	parts := map[string]string{}
	for _, part := range strings.Split(rest, ", ") {
		name, value, _ := strings.Cut(part, "=")
		parts[name] = value
	}
	scope := strings.SplitN(parts["Credential"], "/", 2)
	date := r.Header.Get("X-Amz-Date")
	if len(scope) != 2 || len(date) != 16 || scope[1] != strings.Join([]string{date[:8], region, service, "aws4_request"}, "/") {
		return fmt.Errorf("scope %q", parts["Credential"])
	}
	secret := map[string]string{awsID: awsSecret, stsID: stsSecret}[scope[0]]
	if secret == "" || scope[0] == stsID && r.Header.Get("X-Amz-Security-Token") != stsSession {
		return fmt.Errorf("the security token is invalid")
	}
	signed := strings.Split(parts["SignedHeaders"], ";")
	if !slices.Contains(signed, "host") || !slices.Contains(signed, "x-amz-date") {
		return fmt.Errorf("signed headers %q", signed)
	}
	var headers strings.Builder
	for _, name := range signed {
		value := r.Header.Get(name)
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.TrimSpace(value))
	}
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), r.URL.Query().Encode(), headers.String(), parts["SignedHeaders"], hexHash(body)}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range strings.Split(scope[1], "/") {
		key = sign(key, part)
	}
	want := hex.EncodeToString(sign(key, strings.Join([]string{"AWS4-HMAC-SHA256", date, scope[1], hexHash([]byte(canonical))}, "\n")))
	if want != parts["Signature"] {
		return fmt.Errorf("the signature does not match")
	}
	return nil
}

func hexHash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func sign(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func TestAWS(t *testing.T) {
	const byKey = "auth: {secretRef: {accessKeyIDSecretRef: {name: aws, key: id}, secretAccessKeySecretRef: {name: aws, key: secret}}}"
	const byAccount = "auth: {jwt: {serviceAccountRef: {name: reader}}}"
	store := func(service, more string) string {
		return "{apiVersion: external-secrets.io/v1, kind: SecretStore, metadata: {name: demo}, spec: {retrySettings: {maxRetries: 4, retryInterval: 1ms}, provider: {aws: {service: " + service + ", region: eu-west-1, " + more + "}}}}"
	}
	for _, tt := range []struct {
		name, store, spec, want string
		throttle                int
	}{
		{name: "a property", store: store("SecretsManager", byKey), spec: "data: [{secretKey: p, remoteRef: {key: shop/db, property: password}}]", want: "p: " + canary + "\n"},
		{name: "a nested property", store: store("SecretsManager", byKey), spec: "data: [{secretKey: p, remoteRef: {key: shop/db, property: nested.port}}]", want: "p: 5432\n"},
		{name: "binary", store: store("SecretsManager", byKey), spec: "data: [{secretKey: p, remoteRef: {key: shop/key}}]", want: "p: b1nary\x00\n"},
		{name: "a stage", store: store("SecretsManager", byKey), spec: "data: [{secretKey: p, remoteRef: {key: shop/db, version: AWSPREVIOUS}}]", want: "p: the previous one\n"},
		{name: "a version", store: store("SecretsManager", byKey), spec: "data: [{secretKey: p, remoteRef: {key: shop/db, version: uuid/11111111-1111-1111-1111-111111111111}}]", want: "p: a stated one\n"},
		{name: "tags", store: store("SecretsManager", byKey), spec: "data: [{secretKey: p, remoteRef: {key: shop/db, metadataPolicy: Fetch, property: team}}]", want: "p: web\n"},
		{name: "a prefix", store: store("SecretsManager", byKey+", prefix: shop/"), spec: "data: [{secretKey: p, remoteRef: {key: token}}]", want: "p: t0ken-of-shop\n"},
		{name: "extract", store: store("SecretsManager", byKey), spec: "dataFrom: [{extract: {key: shop/db}}]", want: "nested: {\"port\":5432}\npassword: " + canary + "\nuser: ann\n"},
		{name: "find over pages", store: store("SecretsManager", byKey), spec: "dataFrom: [{find: {name: {regexp: 'shop/(db|token)'}}, rewrite: [{regexp: {source: shop/, target: ''}}]}]", want: "db: " + awsSecrets[0].SecretString + "\ntoken: t0ken-of-shop\n"},
		{name: "find by tags", store: store("SecretsManager", byKey), spec: "dataFrom: [{find: {tags: {team: web}}, rewrite: [{regexp: {source: /, target: '-'}}]}]", want: "shop-db: " + awsSecrets[0].SecretString + "\nshop-key: b1nary\x00\nshop-token: t0ken-of-shop\n"},
		{name: "throttled at first", store: store("SecretsManager", byKey), spec: "data: [{secretKey: p, remoteRef: {key: shop/token}}]", want: "p: t0ken-of-shop\n", throttle: 2},
		{name: "throttled for good", store: store("SecretsManager", byKey), spec: "data: [{secretKey: p, remoteRef: {key: shop/token}}]", want: "ERROR ThrottlingException", throttle: 100},
		{name: "with a ServiceAccount's token", store: store("SecretsManager", byAccount), spec: "data: [{secretKey: p, remoteRef: {key: shop/token}}]", want: "p: t0ken-of-shop\n"},
		{name: "with a role", store: store("SecretsManager", byKey+", role: '"+awsRole+"', externalID: shop"), spec: "data: [{secretKey: p, remoteRef: {key: shop/token}}]", want: "p: t0ken-of-shop\n"},
		{name: "with another role", store: store("SecretsManager", byKey+", role: 'arn:aws:iam::1:role/other', externalID: shop"), spec: "data: [{secretKey: p, remoteRef: {key: shop/token}}]", want: "ERROR AccessDenied"},
		{name: "with a wrong key", store: store("SecretsManager", strings.Replace(byKey, "key: secret", "key: wrong", 1)), spec: "data: [{secretKey: p, remoteRef: {key: shop/token}}]", want: "ERROR InvalidSignatureException"},
		{name: "an account without a role", store: store("SecretsManager", "auth: {jwt: {serviceAccountRef: {name: plain}}}"), spec: "data: [{secretKey: p, remoteRef: {key: shop/token}}]", want: "ERROR an IAM role must be associated with service account plain"},
		{name: "nothing of that name", store: store("SecretsManager", byKey), spec: "data: [{secretKey: p, remoteRef: {key: nowhere}}]", want: "ERROR Secret does not exist"},
		{name: "no such property", store: store("SecretsManager", byKey), spec: "data: [{secretKey: p, remoteRef: {key: shop/db, property: nothing}}]", want: "ERROR key nothing does not exist in secret shop/db"},

		{name: "a parameter", store: store("ParameterStore", byKey), spec: "data: [{secretKey: p, remoteRef: {key: /shop/db}}]", want: "p: " + canary + "\n"},
		{name: "a parameter's version", store: store("ParameterStore", byKey), spec: "data: [{secretKey: p, remoteRef: {key: /shop/db, version: '2'}}]", want: "p: second\n"},
		{name: "a parameter's property", store: store("ParameterStore", byKey), spec: "data: [{secretKey: p, remoteRef: {key: /shop/json, property: a.b}}]", want: "p: c\n"},
		{name: "parameters over pages", store: store("ParameterStore", byKey), spec: "dataFrom: [{find: {path: /shop, name: {regexp: .}}, rewrite: [{regexp: {source: /shop/, target: ''}}]}]", want: "db: " + canary + "\nother: o\n"},
		{name: "a parameter, throttled", store: store("ParameterStore", byKey), spec: "data: [{secretKey: p, remoteRef: {key: /shop/db}}]", want: "p: " + canary + "\n", throttle: 2},
		{name: "no such parameter", store: store("ParameterStore", byKey), spec: "data: [{secretKey: p, remoteRef: {key: /nowhere}}]", want: "ERROR Secret does not exist"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			secrets := &awsDouble{t: t, service: "secretsmanager", prefix: "secretsmanager", throttle: tt.throttle}
			parameters := &awsDouble{t: t, service: "ssm", prefix: "AmazonSSM", throttle: tt.throttle}
			clouds.serve(t, "secretsmanager.eu-west-1.amazonaws.com", secrets)
			clouds.serve(t, "ssm.eu-west-1.amazonaws.com", parameters)
			clouds.serve(t, "sts.eu-west-1.amazonaws.com", stsDouble(t, "t0ken-of-reader"))
			h := host{
				objects: map[string]string{
					"SecretStore shop/demo":      tt.store,
					"Secret shop/aws":            secretObject(map[string]string{"id": awsID, "secret": awsSecret, "wrong": "wrong-s3cret-of-aws"}),
					"ServiceAccount shop/reader": "{apiVersion: v1, kind: ServiceAccount, metadata: {name: reader, annotations: {eks.amazonaws.com/role-arn: '" + awsRole + "'}}}",
					"ServiceAccount shop/plain":  "{apiVersion: v1, kind: ServiceAccount, metadata: {name: plain}}",
				},
				tokens: map[string]string{"shop/reader sts.amazonaws.com": "t0ken-of-reader"},
			}
			got, err := fetchSecret(t, h, tt.spec+"\ntarget: {template: {}}")
			checkFetched(t, got, err, tt.want, canary, awsSecret, "wrong-s3cret-of-aws", "t0ken-of-reader", stsSecret)
			if tt.throttle > 0 && len(secrets.refused)+len(parameters.refused) < min(tt.throttle, 4) {
				t.Errorf("refused: %v, %v", secrets.refused, parameters.refused)
			}
			if len(accounts.hosts) != 0 {
				t.Errorf("accounts stay: %d", len(accounts.hosts))
			}
		})
	}
}
