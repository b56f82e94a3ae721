// Takes heap memory: must not link.
int* volatile kept;

int main() {
  kept = new int(1);
}
