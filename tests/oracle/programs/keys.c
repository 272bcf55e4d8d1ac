/* Keyrings. */
#include <linux/keyctl.h>

#include "oracle.h"

int main(void) {
  CALL(add_key, "user", "wc-oracle", "payload", 7ul, KEY_SPEC_PROCESS_KEYRING);
  CALL(request_key, "user", "wc-no-such", NULL, KEY_SPEC_SESSION_KEYRING);
  CALL(keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 0);
  CALL(keyctl, KEYCTL_REVOKE, -1);
  CALL(keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
  for (int op = 2; op <= 22; op++) /* of a key that is not there */
    if (op != KEYCTL_SESSION_TO_PARENT && op != KEYCTL_SET_REQKEY_KEYRING &&
        op != KEYCTL_GET_PERSISTENT)
      CALL(keyctl, op, 0x7fffffff, NOWHERE, 7ul, 8ul);
  CALL(keyctl, KEYCTL_UPDATE, KEY_SPEC_REQUESTOR_KEYRING, "text", 4ul);
  CALL(keyctl, KEYCTL_SETPERM, 0x7fffffff, 0x3f010040);
  CALL(keyctl, 9999, 1, 2, 3, 4);
  return 0;
}
