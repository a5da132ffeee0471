package testenv

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// ShortestToken is the shortest life that an API server gives a token.
const ShortestToken = 10 * time.Minute

// BoundToken asks for a token of a ServiceAccount that is good for as long as asked for,
// and no longer than a Secret of its namespace is there: what a token of a pod is to the
// pod.
func (c *Cluster) BoundToken(ctx context.Context, namespace, name string, life time.Duration, secret *corev1.Secret) (string, error) {
	seconds := int64(life.Seconds())
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: &seconds,
		BoundObjectRef:    &authenticationv1.BoundObjectReference{Kind: "Secret", APIVersion: "v1", Name: secret.Name, UID: secret.UID},
	}}
	token, err := c.Typed.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("token of %s/%s: %w", namespace, name, err)
	}
	return token.Status.Token, nil
}

// A TokenFile is a file with a token that is put in the place of another as the kubelet
// does it for pods: what is seen in the directory are links to links, of which one is
// renamed.
type TokenFile struct {
	dir     string
	version int
}

// NewTokenFile makes one in a directory of its own.
func NewTokenFile(dir, token string) (*TokenFile, error) {
	f := &TokenFile{dir: dir}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := f.Put(token); err != nil {
		return nil, err
	}
	return f, os.Symlink(filepath.Join("..data", "token"), f.Path())
}

// Path is where the token is read.
func (f *TokenFile) Path() string { return filepath.Join(f.dir, "token") }

// Put has another token read from now on.
func (f *TokenFile) Put(token string) error {
	f.version++
	before, now := fmt.Sprint("..", f.version-1), fmt.Sprint("..", f.version)
	if err := os.Mkdir(filepath.Join(f.dir, now), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(f.dir, now, "token"), []byte(token), 0o600); err != nil {
		return err
	}
	link := filepath.Join(f.dir, "..data_tmp")
	if err := os.Symlink(now, link); err != nil {
		return err
	}
	if err := os.Rename(link, filepath.Join(f.dir, "..data")); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(f.dir, before))
}

// KubeconfigOf writes a kubeconfig for the API server at an address, such as that of a
// [Partition] before it, whose token is in a file.
func (c *Cluster) KubeconfigOf(path, address string, token *TokenFile) error {
	const name = "devcluster"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{
		Server: "https://" + address, CertificateAuthority: c.Config.CAFile, CertificateAuthorityData: c.Config.CAData,
	}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{TokenFile: token.Path()}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return clientcmd.WriteToFile(*config, path)
}
