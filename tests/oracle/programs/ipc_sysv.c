/* System V shared memory, semaphores and messages. */
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#include "oracle.h"

int main(void) {
  int shm = (int)CALL(shmget, IPC_PRIVATE, 4096ul, IPC_CREAT | 0600);
  char *at = (char *)CALL(shmat, shm, NULL, SHM_RDONLY);
  CALL(shmdt, at);
  struct shmid_ds shm_state;
  CALL(shmctl, shm, IPC_STAT, &shm_state);
  CALL(shmctl, shm, IPC_RMID, NULL);
  CALL(shmget, 0x1234, 1ul, 0);
  int sem = (int)CALL(semget, IPC_PRIVATE, 2, IPC_CREAT | IPC_EXCL | 0666);
  struct sembuf ops[] = {{0, 1, 0}, {1, -1, IPC_NOWAIT | SEM_UNDO}};
  struct timespec little = {0, 1000};
  CALL(semop, sem, ops, 1ul);
  CALL(semop, sem, ops, 2ul);
  CALL(semtimedop, sem, ops + 1, 1ul, &little);
  CALL(semctl, sem, 0, SETVAL, 7);
  CALL(semctl, sem, 0, GETVAL, 0);
  struct semid_ds sem_state;
  CALL(semctl, sem, 0, IPC_STAT, &sem_state);
  CALL(semctl, sem, 0, IPC_RMID, 0);
  int queue = (int)CALL(msgget, IPC_PRIVATE, IPC_CREAT | 0600);
  struct {
    long type;
    char text[40];
  } message = {3, "a message"}, received;
  CALL(msgsnd, queue, &message, 9ul, IPC_NOWAIT);
  CALL(msgrcv, queue, &received, 40ul, -5l, MSG_NOERROR);
  CALL(msgrcv, queue, &received, 40ul, 0l, IPC_NOWAIT);
  struct msqid_ds state;
  CALL(msgctl, queue, IPC_STAT, &state);
  CALL(msgctl, queue, IPC_RMID, NULL);
  return 0;
}
