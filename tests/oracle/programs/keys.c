/* Keyrings. */
#include <linux/keyctl.h>

#include "oracle.h"

int main(void) {
  CALL(add_key, "user", "wc-oracle", "payload", 7ul, KEY_SPEC_PROCESS_KEYRING);
  CALL(request_key, "user", "wc-no-such", NULL, KEY_SPEC_SESSION_KEYRING);
  CALL(keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 0);
  CALL(keyctl, KEYCTL_REVOKE, -1);
  CALL(keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
  CALL(keyctl, 9999, 1, 2, 3, 4);
  return 0;
}
