package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/argoproj/notifications-engine/pkg/services"
	httputil "github.com/argoproj/notifications-engine/pkg/util/http"
	"sigs.k8s.io/yaml"
)

// A webhook is the service of type webhook, with the options that it has in Argo CD. It
// is our own, for the engine's prints addresses, which may hold tokens, to stderr, has no
// time limit, and sends its headers wherever it is redirected to.
type webhook struct {
	options services.WebhookOptions
	client  *http.Client
}

func newWebhook(options []byte) (services.NotificationService, error) {
	var o services.WebhookOptions
	if err := yaml.Unmarshal(options, &o); err != nil {
		return nil, err
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, errors.New("url: it is none")
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, errors.New("url: give one that begins with https:// or http://")
	}
	return &webhook{o, &http.Client{CheckRedirect: sameHost}}, nil
}

// sameHost follows redirections within a host.
func sameHost(req *http.Request, via []*http.Request) error {
	if len(via) > 5 || req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 4 << 10

// Send makes it a services.NotificationService.
func (w *webhook) Send(n services.Notification, to services.Destination) error {
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	method, address, body := http.MethodGet, w.options.URL, n.Message
	if own, ok := n.Webhook[to.Service]; ok {
		method, body = cmp.Or(own.Method, method), own.Body
		if own.Path != "" {
			address = strings.TrimRight(address, "/") + "/" + strings.TrimLeft(own.Path, "/")
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return err
	}
	for _, h := range w.options.Headers {
		req.Header.Set(h.Name, h.Value)
	}
	if auth := w.options.BasicAuth; auth != nil {
		req.SetBasicAuth(auth.Username, auth.Password)
	}
	client := *w.client
	transport := httputil.NewTransport(address, w.options.InsecureSkipVerify)
	defer transport.CloseIdleConnections()
	client.Transport = transport
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return &refusal{answer.StatusCode, fmt.Sprintf("the receiver answers %s: %s", answer.Status, said)}
	}
	return nil
}

// A refusal is an answer that says no.
type refusal struct {
	code int
	text string
}

func (r *refusal) Error() string { return r.text }

// final says that it makes no sense to ask again.
func (r *refusal) final() bool {
	return r.code >= 300 && r.code < 500 && r.code != http.StatusTooManyRequests && r.code != http.StatusRequestTimeout
}
