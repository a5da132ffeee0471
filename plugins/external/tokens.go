package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/tidelock-io/tidelock/plugins/sdk"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubernetes "k8s.io/client-go/kubernetes/scheme"
)

// Providers take ServiceAccount tokens not through the client they are given,
// but through one that they make of the process's own kubeconfig. Ours leads to
// a scheme that no network knows, and what answers there is tokens.
const (
	tokenScheme = "tidelock"
	tokenConfig = `apiVersion: v1
kind: Config
current-context: host
clusters: [{name: host, cluster: {server: "tidelock://host"}}]
contexts: [{name: host, context: {cluster: host, user: host}}]
users: [{name: host, user: {}}]
`
)

// maxTokenRequest bounds a request in bytes.
const maxTokenRequest = 64 << 10

type tokensKey struct{}

// withTokens makes the host answer requests for tokens under ctx.
func withTokens(ctx context.Context, host sdk.Objects) context.Context {
	return context.WithValue(ctx, tokensKey{}, host)
}

// registry has the calls under way whose store refers to a ServiceAccount: AWS's
// client asks for its token without the call's context.
type registry struct {
	mu    sync.Mutex // guards hosts
	hosts map[[2]string][]*sdk.Objects
}

var accounts = &registry{hosts: map[[2]string][]*sdk.Objects{}}

// add makes host answer for the ServiceAccount until done is called.
func (r *registry) add(namespace, name string, host sdk.Objects) (done func()) {
	key := [2]string{namespace, name}
	r.mu.Lock()
	defer r.mu.Unlock()
	one := &host
	r.hosts[key] = append(r.hosts[key], one)
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if i := slices.Index(r.hosts[key], one); i >= 0 {
			r.hosts[key] = slices.Delete(r.hosts[key], i, i+1)
		}
		if len(r.hosts[key]) == 0 {
			delete(r.hosts, key)
		}
	}
}

// host returns any that answers for the ServiceAccount: each was permitted the
// same.
func (r *registry) host(namespace, name string) (sdk.Objects, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if hosts := r.hosts[[2]string{namespace, name}]; len(hosts) > 0 {
		return *hosts[0], true
	}
	return nil, false
}

// tokens answers "create a token of this ServiceAccount" as an API server does,
// and refuses all other requests.
type tokens struct{}

// RoundTrip implements http.RoundTripper.
func (tokens) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	namespace, name, isToken := tokenPath(req.URL.Path)
	host, ok := req.Context().Value(tokensKey{}).(sdk.Objects)
	if !ok {
		host, ok = accounts.host(namespace, name)
	}
	if !ok || !isToken || req.Method != http.MethodPost {
		return refuse(req, http.StatusForbidden, errReadOnly.Error())
	}
	ask, err := readAsk(req.Body)
	if err != nil {
		return refuse(req, http.StatusBadRequest, "the request for a token is malformed")
	}
	token, err := host.Token(req.Context(), namespace, name, ask.Spec.Audiences)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return refuse(req, http.StatusNotFound, fmt.Sprintf("ServiceAccount %s/%s does not exist", namespace, name))
	case err != nil:
		return refuse(req, http.StatusForbidden, err.Error())
	}
	ask.TypeMeta = metav1.TypeMeta{APIVersion: authenticationv1.SchemeGroupVersion.String(), Kind: "TokenRequest"}
	ask.Status.Token = string(token)
	return answer(req, http.StatusCreated, ask)
}

// readAsk reads JSON or, as client-go prefers, protobuf.
func readAsk(body io.Reader) (*authenticationv1.TokenRequest, error) {
	raw, err := io.ReadAll(io.LimitReader(body, maxTokenRequest))
	if err != nil {
		return nil, err
	}
	ask := &authenticationv1.TokenRequest{}
	_, _, err = kubernetes.Codecs.UniversalDeserializer().Decode(raw, nil, ask)
	return ask, err
}

// tokenPath reads /api/v1/namespaces/NS/serviceaccounts/NAME/token.
func tokenPath(path string) (namespace, name string, ok bool) {
	p := strings.Split(strings.Trim(path, "/"), "/")
	ok = len(p) == 7 && p[0] == "api" && p[1] == "v1" && p[2] == "namespaces" && p[4] == "serviceaccounts" && p[6] == "token"
	if !ok {
		return "", "", false
	}
	return p[3], p[5], true
}

func refuse(req *http.Request, code int, message string) (*http.Response, error) {
	return answer(req, code, metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Code: int32(code), //nolint:gosec // three digits
		Message: message,
		Reason: map[int]metav1.StatusReason{
			http.StatusNotFound: metav1.StatusReasonNotFound, http.StatusForbidden: metav1.StatusReasonForbidden,
		}[code],
	})
}

func answer(req *http.Request, code int, body any) (*http.Response, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: code, Status: http.StatusText(code), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
		Body: io.NopCloser(bytes.NewReader(raw)), ContentLength: int64(len(raw)),
	}, nil
}
