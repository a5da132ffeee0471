package testenv

import (
	"context"
	"os"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// tokenReviewer makes a ServiceAccount that may ask whose a token is, and returns
// its token.
func (c *Cluster) tokenReviewer(ctx context.Context, namespace, name string) (string, error) {
	if err := c.createAccount(ctx, namespace, name); err != nil {
		return "", err
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: namespace + ":" + name + ":token-reviewer"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:auth-delegator"},
	}
	_, err := c.Typed.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return "", err
	}
	return c.accountToken(ctx, namespace, name)
}

// ca is the certificate that vouches for the API server.
func (c *Cluster) ca() ([]byte, error) {
	if len(c.Config.CAData) > 0 {
		return slices.Clone(c.Config.CAData), nil
	}
	return os.ReadFile(c.Config.CAFile)
}
