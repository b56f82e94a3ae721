// A virtual destructor alone refers to operator delete: must not link.
namespace {

class Base {
 public:
  virtual ~Base() = default;
};
class Derived final : public Base {};

}  // namespace

Base* volatile kept;

int main() {
  static Derived derived;
  kept = &derived;
}
