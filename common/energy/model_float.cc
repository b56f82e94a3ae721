#include "trib/common/energy/lora.h"
#include "trib/common/energy/model.h"

// The node's instantiation, compiled here once so that the symbol check sees it: no soft double.
namespace trib::energy {

template float ExpectedEnergy(const CascadeCost<float>&);
template float SleepEnergy(const EnergyTable<float>&, float);
template float PeripheralEnergy(const EnergyTable<float>&, std::uint32_t, float);
template float SenseEnergy(const EnergyTable<float>&, float);
template float CycleEnergy(const EnergyTable<float>&, std::uint32_t);
template float MacEnergy(const EnergyTable<float>&, std::uint32_t);
template float RadioEnergy(const EnergyTable<float>&, std::uint32_t);
template std::uint64_t ToNanojoules(float);
template float LoraTimeOnAir(const LoraModem&, std::uint32_t);
template float LoraTransmitEnergy(const LoraModem&, std::uint32_t, float, float);

}  // namespace trib::energy
