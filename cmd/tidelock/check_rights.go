package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/agent/install"
	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// asked is how many questions the API server is asked at once.
const asked = 8

// lookRights asks the API server for each right that the installation gives whether the
// agent has it, and looks for rights that it has beyond.
func (c *checker) lookRights(ctx context.Context, a *area) {
	if c.options.Check() != nil {
		return // which is told of what belongs to an installation
	}
	rights := install.Rights(c.options)
	user := c.account(c.namespace)
	lacking := make([]bool, len(rights))
	g, ctx2 := errgroup.WithContext(ctx)
	g.SetLimit(asked)
	for i, r := range rights {
		g.Go(func() error {
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User: user, Groups: groupsOf(c.namespace), ResourceAttributes: attributes(r),
			}}
			answer, err := c.kube.AuthorizationV1().SubjectAccessReviews().Create(ctx2, review, metav1.CreateOptions{})
			if err == nil {
				lacking[i] = !answer.Status.Allowed
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		a.unread("which rights the agent has", err)
	} else {
		c.lacking(a, rights, lacking)
	}
	c.lookBindings(ctx, a)
}

// groupsOf are those of a ServiceAccount.
func groupsOf(namespace string) []string {
	return []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"}
}

func attributes(r install.Right) *authorizationv1.ResourceAttributes {
	resource, subresource, _ := strings.Cut(r.Resource, "/")
	return &authorizationv1.ResourceAttributes{Namespace: r.Namespace, Verb: r.Verb, Group: r.Group, Resource: resource, Subresource: subresource}
}

func (c *checker) lacking(a *area, rights []install.Right, lacking []bool) {
	var names []string
	for i, r := range rights {
		if lacking[i] {
			names = append(names, r.String())
		}
	}
	if len(names) == 0 {
		a.ok("the agent has the %d rights that it needs %s", len(rights), c.where())
		return
	}
	a.wrong("apply the Roles that tidelock install prints, with the options that it was installed with",
		"the agent lacks %d of the %d rights that it needs %s: %s", len(names), len(rights), c.where(), listedNames(names))
}

// where is where the agent has rights, by its flags.
func (c *checker) where() string {
	if len(c.options.Namespaces) == 0 {
		return "in the whole cluster"
	}
	return "in namespaces " + strings.Join(c.options.Namespaces, ", ") + " and its own"
}

// lookBindings looks for rights that no installation gives.
func (c *checker) lookBindings(ctx context.Context, a *area) {
	var beyond []string
	cluster, err := c.kube.RbacV1().ClusterRoleBindings().List(ctx, metav1.ListOptions{})
	if err != nil {
		a.unread("which rights the agent has beyond", err)
		return
	}
	for _, b := range cluster.Items {
		if c.binds(b.Subjects) && !c.installed("ClusterRoleBinding", "", b.Name) {
			beyond = append(beyond, fmt.Sprintf("ClusterRoleBinding %s (%s)", b.Name, b.RoleRef.Name))
		}
	}
	local, err := c.kube.RbacV1().RoleBindings("").List(ctx, metav1.ListOptions{})
	if err != nil {
		a.unread("which rights the agent has beyond", err)
		return
	}
	for _, b := range local.Items {
		if c.binds(b.Subjects) && !c.installed("RoleBinding", b.Namespace, b.Name) {
			beyond = append(beyond, fmt.Sprintf("RoleBinding %s/%s (%s)", b.Namespace, b.Name, b.RoleRef.Name))
		}
	}
	if len(beyond) > 0 {
		a.warn("delete them, unless they are meant", "the agent has rights beyond those that it needs %s: %s", c.where(), listedNames(beyond))
	}
}

// binds says that the agent's own ServiceAccount is a subject.
func (c *checker) binds(subjects []rbacv1.Subject) bool {
	return slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool {
		return s.Kind == rbacv1.ServiceAccountKind && fmt.Sprintf("system:serviceaccount:%s:%s", s.Namespace, s.Name) == c.account(c.namespace)
	})
}

// installed says that an object belongs to an installation with the agent's flags.
func (c *checker) installed(kind, namespace, name string) bool {
	objects, err := install.Objects(c.options)
	return err == nil && slices.ContainsFunc(objects, func(o install.Object) bool { return o.Is(kind, namespace, name) })
}
