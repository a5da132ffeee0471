package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/pflag"
	"github.com/tidelock-io/tidelock/secrets/sealed"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// sealingFor says for whom something is sealed: where the certificate is, or the
// controller that has it.
type sealingFor struct {
	console
	certificate string
	keys        []string // files with private keys
	name        string   // of the controller's Service
	place       string   // its namespace, where its keys are, too
}

// Variables that kubeseal reads, too.
const (
	certificateVariable = "SEALED_SECRETS_CERT"
	nameVariable        = "SEALED_SECRETS_CONTROLLER_NAME"
	namespaceVariable   = "SEALED_SECRETS_CONTROLLER_NAMESPACE"
)

func (s *sealingFor) certificateFlags(f *pflag.FlagSet) {
	f.StringVar(&s.certificate, "cert", os.Getenv(certificateVariable), "`FILE` or https URL of the certificate to seal for")
}

func (s *sealingFor) controllerFlags(f *pflag.FlagSet) {
	f.StringVar(&s.kubeconfig, "kubeconfig", "", "kubeconfig `FILE`; as kubectl finds it if empty")
	f.StringVar(&s.context, "context", "", "context of the kubeconfig")
	f.StringVar(&s.name, "controller-name", orElse(os.Getenv(nameVariable), "sealed-secrets-controller"), "Service of the sealed-secrets controller")
	f.StringVar(&s.place, "controller-namespace", orElse(os.Getenv(namespaceVariable), "kube-system"), "where the controller, or its keys, are")
}

func orElse(text, or string) string {
	if text == "" {
		return or
	}
	return text
}

// recipient finds whom to seal for: the certificate that is named, else the newest
// of the keys that are given, else that of the cluster.
func (s *sealingFor) recipient(ctx context.Context, keys sealed.Keys) (sealed.Recipient, error) {
	to, err := s.find(ctx, keys)
	if err != nil {
		return to, err
	}
	if err := to.Valid(time.Now()); err != nil {
		return to, fmt.Errorf("%w (hint: tidelock secrets rekey seals anew for a newer one)", err)
	}
	return to, nil
}

func (s *sealingFor) find(ctx context.Context, keys sealed.Keys) (sealed.Recipient, error) {
	if s.certificate != "" {
		text, err := readCertificate(ctx, s.certificate)
		if err != nil {
			return sealed.Recipient{}, fmt.Errorf("--cert %s: %w", s.certificate, err)
		}
		to, err := sealed.ParseCertificate(text)
		if err != nil {
			return to, fmt.Errorf("--cert %s: %w", s.certificate, err)
		}
		return to, nil
	}
	if to, ok := keys.Newest(); ok {
		return to, nil
	}
	return s.ofCluster(ctx)
}

// ofCluster asks the controller, and where there is none reads the certificate of
// the newest key, which the agent opens with.
func (s *sealingFor) ofCluster(ctx context.Context) (sealed.Recipient, error) {
	client, err := s.client()
	if err != nil {
		return sealed.Recipient{}, err
	}
	text, asking := s.proxy(ctx, client, http.MethodGet, "/v1/cert.pem", nil)
	if asking == nil {
		return sealed.ParseCertificate(text)
	}
	list, err := client.CoreV1().Secrets(s.place).List(ctx, metav1.ListOptions{LabelSelector: sealed.KeyLabel + "=" + sealed.KeyActive})
	if err != nil {
		return sealed.Recipient{}, fmt.Errorf("find the certificate: %w; nor can the keys be read: %w (hint: give --cert, or --controller-name and --controller-namespace)", asking, err)
	}
	var newest sealed.Recipient
	for _, secret := range list.Items {
		if to, err := sealed.ParseCertificate(secret.Data[corev1.TLSCertKey]); err == nil && !to.NotBefore.Before(newest.NotBefore) {
			newest = to
		}
	}
	if newest.NotBefore.IsZero() {
		return newest, fmt.Errorf("find the certificate: %w; nor is there a key in namespace %s (hint: give --cert, or --controller-name and --controller-namespace)", asking, s.place)
	}
	return newest, nil
}

func (s *sealingFor) client() (kubernetes.Interface, error) {
	cfg, err := s.config()
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	return client, nil
}

// proxy asks the controller through the API server.
func (s *sealingFor) proxy(ctx context.Context, client kubernetes.Interface, method, path string, body []byte) ([]byte, error) {
	service, err := client.CoreV1().Services(s.place).Get(ctx, s.name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("find the controller: %w", err)
	}
	if len(service.Spec.Ports) == 0 {
		return nil, fmt.Errorf("find the controller: Service %s/%s has no port", s.place, s.name)
	}
	port := service.Spec.Ports[0]
	at := port.Name
	if at == "" {
		at = fmt.Sprint(port.Port)
	}
	raw, err := client.CoreV1().RESTClient().Verb(method).Namespace(s.place).Resource("services").SubResource("proxy").
		Name("http:" + s.name + ":" + at).Suffix(path).Body(body).Do(ctx).Raw()
	if err != nil {
		return nil, fmt.Errorf("ask the controller %s/%s: %w", s.place, s.name, err)
	}
	return raw, nil
}

// maxCertificate is more than any has.
const maxCertificate = 1 << 20

// errPlainHTTP: who can change the answer can read what is sealed for it.
var errPlainHTTP = errors.New("a certificate that came by plain http may be anybody's: use https")

// readCertificate reads a file, or fetches it.
func readCertificate(ctx context.Context, from string) ([]byte, error) {
	u, err := url.Parse(from)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return os.ReadFile(from)
	}
	if u.Scheme == "http" && !isLoopback(u.Host) {
		return nil, errPlainHTTP
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{Timeout: time.Minute, CheckRedirect: func(to *http.Request, _ []*http.Request) error {
		if to.URL.Scheme != "https" {
			return errPlainHTTP
		}
		return nil
	}}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, errors.New(response.Status)
	}
	return io.ReadAll(io.LimitReader(response.Body, maxCertificate))
}
