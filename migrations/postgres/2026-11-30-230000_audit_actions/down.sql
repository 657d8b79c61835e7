DROP INDEX audit_user_actions;
