using Microsoft.ML.Reversible.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Models;

[TestClass]
public sealed class ParameterFactoryTests
{
    [TestMethod]
    public void RandomNumbersAreDrawnInTheOrderOfAskingWhereverTheParametersLie()
    {
        using var scope = NewDisposeScope();
        using var make = new ParameterFactory(CPU, seed: 3);
        Parameter[] made = [make.Normal(0.5, 5, 7), make.Ones(6), make.Normal(1, 40, 3), make.Zeros(2), make.Normal(2, 33)];
        Assert.IsTrue(made.All(p => p.numel() == 0), "no memory before it is known how they lie");
        using var flat = make.Allocate([[made[4], made[1]], [made[3], made[2], made[0]]]);
        using var random = new Generator(3);
        Tensor[] expected =
        [
            empty(5, 7).normal_(0, 0.5, random), ones(6), empty(40, 3).normal_(0, 1, random), zeros(2), empty(33).normal_(0, 2, random),
        ];
        foreach (var (e, a) in expected.Zip(made))
        {
            Assert.IsTrue(TestModels.SameBits(e, a));
            Assert.IsTrue(a.is_leaf && a.requires_grad && a.is_contiguous());
        }
    }

    [TestMethod]
    public void WithoutASeedTheNormsAreReadyAndTheRestIsZero()
    {
        using var scope = NewDisposeScope();
        using var make = new ParameterFactory(CPU, seed: null);
        Parameter norm = make.Ones(4), matrix = make.Normal(1, 3, 3);
        using var flat = make.Allocate([[norm, matrix]]);
        Assert.AreEqual(4, norm.sum().ToDouble());
        Assert.AreEqual(0, matrix.abs().sum().ToDouble());
    }
}
