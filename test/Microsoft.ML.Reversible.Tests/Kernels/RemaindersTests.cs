using Microsoft.ML.Reversible.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Kernels;

[TestClass]
public sealed class RemaindersTests
{
    [TestMethod]
    [DataRow(2)]
    [DataRow(4)]
    [DataRow(8)]
    [DataRow(16)]
    [DataRow(32)]
    [DataRow(64)]
    public void RemaindersComeBackFromTheFewestBytes(int k)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        for (int n = 1; n < 40; n++)
        {
            Tensor values = randint(0, k, [n, 3], dtype: ScalarType.Float64, generator: random);
            using Remainders bits = Remainders.Pack(values, k);
            long fewest = new[] { 4, 2, 1 }.Where(field => ((int)Math.Log2(k) & field) != 0).Sum(field => (3 * n * field + 7) / 8);
            Assert.AreEqual(fewest, bits.ByteCount);
            Assert.IsTrue(TestModels.SameBits(values, bits.Unpack(k, values)));
        }
    }
}
