package main

import (
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tidelock-io/tidelock/cmd/testenv"
)

// may waits for the API server, which hears of Roles and their bindings a moment
// after they are written.
func (s *scene) may(args []string) error {
	namespace, account, _ := strings.Cut(args[0], "/")
	kind, name, _ := strings.Cut(args[2], "/")
	resource := schema.ParseGroupResource(kind)
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User:   testenv.ServiceAccountUser(namespace, account),
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"},
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: args[1], Group: resource.Group, Resource: resource.Resource, Name: name, Namespace: strings.Join(args[3:], ""),
		},
	}}
	return s.until(strings.Join(args, " "), func() (bool, error) {
		answer, err := s.cluster.Typed.AuthorizationV1().SubjectAccessReviews().Create(s.ctx, review, metav1.CreateOptions{})
		if err != nil {
			return false, err
		}
		return answer.Status.Allowed != s.neg, nil
	})
}
