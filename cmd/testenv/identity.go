package testenv

import (
	"context"
	"fmt"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tidelock-io/tidelock/agent/install"
)

// tokenLife is longer than any test, demonstration or measurement.
const tokenLife = 24 * time.Hour

// CreateNamespace makes a namespace, unless it is there.
func (c *Cluster) CreateNamespace(ctx context.Context, name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_, err := c.Typed.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// ServiceAccountUser is a ServiceAccount's name as a user.
func ServiceAccountUser(namespace, name string) string {
	return "system:serviceaccount:" + namespace + ":" + name
}

// ServiceAccount makes the agent's ServiceAccount and its namespace, with the rights
// that it is installed with and no others, and writes a kubeconfig with its token to
// path.
func (c *Cluster) ServiceAccount(ctx context.Context, namespace, name, path string) error {
	if name != install.Name {
		return fmt.Errorf("the agent's ServiceAccount is %s, not %s", install.Name, name)
	}
	if err := c.CreateNamespace(ctx, namespace); err != nil {
		return err
	}
	if err := c.Install(ctx, install.Options{Namespace: namespace}); err != nil {
		return err
	}
	return c.Person(ctx, namespace, name, path)
}

// Install gives the agent of a namespace the rights of an installation, instead of
// those that it has.
func (c *Cluster) Install(ctx context.Context, o install.Options) error {
	o.Image, o.SealingNamespace = install.Image, o.Namespace
	objects, err := install.Objects(o)
	if err != nil {
		return err
	}
	for _, object := range objects {
		o := &unstructured.Unstructured{Object: object}
		if o.GroupVersionKind().Group != rbacv1.GroupName {
			continue
		}
		resource := rbacv1.SchemeGroupVersion.WithResource(strings.ToLower(o.GetKind()) + "s")
		options := metav1.ApplyOptions{FieldManager: FieldManager, Force: true}
		if _, err := c.Dynamic.Resource(resource).Namespace(o.GetNamespace()).Apply(ctx, o.GetName(), o, options); err != nil {
			return fmt.Errorf("apply %s %s: %w", o.GetKind(), o.GetName(), err)
		}
	}
	return nil
}

// Person makes a ServiceAccount without any rights and writes a kubeconfig for it.
func (c *Cluster) Person(ctx context.Context, namespace, name, path string) error {
	if err := c.createAccount(ctx, namespace, name); err != nil {
		return err
	}
	token, err := c.accountToken(ctx, namespace, name)
	if err != nil {
		return err
	}
	return c.writeKubeconfig(path, token)
}

// createAccount makes a ServiceAccount and its namespace, unless they are there.
func (c *Cluster) createAccount(ctx context.Context, namespace, name string) error {
	if err := c.CreateNamespace(ctx, namespace); err != nil {
		return err
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_, err := c.Typed.CoreV1().ServiceAccounts(namespace).Create(ctx, account, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return nil
}

func (c *Cluster) accountToken(ctx context.Context, namespace, name string) (string, error) {
	seconds := int64(tokenLife.Seconds())
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	token, err := c.Typed.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("token of %s/%s: %w", namespace, name, err)
	}
	return token.Status.Token, nil
}

func (c *Cluster) writeKubeconfig(path, token string) error {
	const name = "devcluster"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{
		Server: c.Config.Host, CertificateAuthority: c.Config.CAFile, CertificateAuthorityData: c.Config.CAData,
	}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return clientcmd.WriteToFile(*config, path)
}
