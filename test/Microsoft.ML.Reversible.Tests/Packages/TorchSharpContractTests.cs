using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Packages;

/// <summary>
/// What TorchSharp and libtorch do where it differs from PyTorch or from an earlier version, each with the file that relies on it.
/// </summary>
[TestClass]
public sealed class TorchSharpContractTests
{
    /// <summary>ParameterFactory.Count, which the tests for leaks subtract, is needed while this holds.</summary>
    [TestMethod]
    public void AParameterRaisesTheCountOfTensorsByOneForGood()
    {
        long before = Tensor.TotalCount;
        new Parameter(ones(2)).Dispose();
        Assert.AreEqual(before + 1, Tensor.TotalCount);
    }

    /// <summary>ParameterFactory: the tensor that a parameter is made of must not be used afterwards.</summary>
    [TestMethod]
    public void AParameterTakesOverItsTensor()
    {
        using Tensor values = ones(2);
        using var parameter = new Parameter(values);
        Assert.IsTrue(values.IsInvalid);
    }

    /// <summary>TreePass joins parts of several strides and reshapes the result.</summary>
    [TestMethod]
    public void CatOfOneTensorKeepsItsStrides()
    {
        using var scope = NewDisposeScope();
        Tensor turned = ones(2, 3, 4).transpose(1, 2), joined = cat([turned], 1);
        Assert.IsFalse(joined.is_contiguous());
        Assert.IsTrue(cat([turned, turned], 1).is_contiguous());
        Assert.AreEqual(24, joined.reshape(2, 12).numel());
    }

    /// <summary>Linear: the same product with the bias inside.</summary>
    [TestMethod]
    public void AProductWithTheBiasInsideIsLinear()
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(3);
        Tensor x = randn(2, 5, 7, generator: random), weight = randn(3, 7, generator: random), bias = randn(3, generator: random);
        Tensor expected = nn.functional.linear(x, weight, bias);
        Tensor actual = addmm(bias, x.reshape(-1, 7), weight.t(), 1, 1).view(2, 5, 3);
        Assert.IsTrue(actual.allclose(expected, 1e-5, 1e-6));
    }

    /// <summary>All sums over a dimension write <c>sum(dim: 0)</c>: a literal 0 is taken for an element type.</summary>
    [TestMethod]
    public void LiteralZeroIsTakenForAnElementType()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(2, 3);
        Assert.AreEqual((ScalarType.Byte, 0L), (x.sum(0).dtype, x.sum(0).dim()));
        CollectionAssert.AreEqual(new long[] { 3 }, x.sum(dim: 0).shape);
    }

    /// <summary>FlatAdamW is compared with it, and states weight decay explicitly.</summary>
    [TestMethod]
    public void AdamWDecaysNothingUnlessAsked()
    {
        using var parameter = new Parameter(ones(1));
        using var optimizer = optim.AdamW([parameter], 0.1);
        parameter.grad = zeros(1);
        optimizer.step();
        Assert.AreEqual(1f, parameter.item<float>());
    }

    /// <summary>StackPass and the schemes ask for gradients that a block may not use.</summary>
    [TestMethod]
    public void AGradientThatIsNotUsedIsInvalidAndNotNull()
    {
        using var scope = NewDisposeScope();
        Tensor used = ones(1, requires_grad: true), unused = ones(1, requires_grad: true);
        IList<Tensor> gradients = autograd.grad([used * 2], [used, unused], [ones(1)], allow_unused: true);
        Assert.IsFalse(gradients[0].IsInvalid);
        Assert.IsTrue(gradients[1].IsInvalid);
    }

    /// <summary>Devices and the tests seed CUDA by itself.</summary>
    [TestMethod]
    public void SeededGeneratorsRepeatAndAreApartFromTheGlobalOne()
    {
        using var scope = NewDisposeScope();
        using var one = new Generator(9);
        using var other = new Generator(9);
        Tensor first = randn(5, generator: one);
        randn(5);
        Assert.IsTrue(TestModels.SameBits(first, randn(5, generator: other)));
    }

    /// <summary>
    /// RotaryEmbedding keeps its tables outside the module system: a field that is a tensor would become part of the state.
    /// </summary>
    [TestMethod]
    public void AFieldThatIsATensorBecomesABuffer()
    {
        using var module = new WithField();
        CollectionAssert.AreEqual(new[] { "_table" }, module.state_dict().Keys.ToArray());
    }

    private sealed class WithField : nn.Module<Tensor, Tensor>
    {
        private readonly Tensor _table = ones(2);

        public WithField() : base(nameof(WithField)) => RegisterComponents();

        public override Tensor forward(Tensor input) => input + _table;
    }
}
