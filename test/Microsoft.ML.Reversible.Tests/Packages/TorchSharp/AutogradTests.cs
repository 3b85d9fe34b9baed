using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.Reversible.Tests.Packages.Torch;

[TestClass]
public class AutogradTests
{
    [TestMethod]
    public void GradientsAddUpUntilCleared()
    {
        using var x = tensor(new float[] { 1, 2 }, requires_grad: true);
        (x * x).sum().backward();
        (x * x).sum().backward();
        TensorAssert.AreClose([4, 8], x.grad);
        x.grad = null;
        Assert.IsNull(x.grad);
    }

    [TestMethod]
    public void BackwardTakesGradientsOfItsOwnAndChosenInputs()
    {
        using var x = ones(2, requires_grad: true);
        using var y = ones(2, requires_grad: true);
        autograd.backward([x * y * 3], [tensor(new float[] { 1, 10 })], inputs: [x]);
        TensorAssert.AreClose([3, 30], x.grad);
        Assert.IsNull(y.grad);
    }

    [TestMethod]
    public void GradReturnsInsteadOfStoring()
    {
        using var x = tensor(new float[] { 3 }, requires_grad: true);
        using var y = tensor(new float[] { 5 }, requires_grad: true);
        using var unused = ones(1, requires_grad: true);
        var grads = autograd.grad([x * x * y], [x, y, unused], [ones(1)], allow_unused: true);
        TensorAssert.AreClose([30], grads[0]);
        TensorAssert.AreClose([9], grads[1]);
        Assert.IsTrue(grads[2].IsInvalid);
        Assert.IsNull(x.grad);
    }

    [TestMethod]
    public void SecondDerivativesNeedGraphAndRetention()
    {
        using var x = tensor(2.0, requires_grad: true);
        var first = autograd.grad([x.pow(3)], [x], retain_graph: true, create_graph: true)[0];
        Assert.AreEqual(12.0, first.item<double>(), 1e-12);
        Assert.AreEqual(12.0, autograd.grad([first], [x])[0].item<double>(), 1e-12);
    }

    [TestMethod]
    public void ModesSwitchRecordingAndComeBack()
    {
        using var x = ones(1, requires_grad: true);
        using (no_grad())
        {
            Assert.IsFalse(is_grad_enabled());
            Assert.IsFalse((x * 2).requires_grad);
            using (enable_grad())
            {
                Assert.IsTrue((x * 2).requires_grad);
            }

            Assert.IsFalse(is_grad_enabled());
        }

        Assert.IsTrue(is_grad_enabled());
        Assert.IsFalse((x * 2).detach().requires_grad);
        Assert.IsTrue(x.is_leaf);
        Assert.IsFalse((x * 2).is_leaf);
    }

    [TestMethod]
    public void InferenceModeRecordsNothing()
    {
        using var x = ones(1, requires_grad: true);
        using (inference_mode())
        {
            Assert.IsTrue(is_inference_mode_enabled());
            Assert.IsFalse((x * 2).requires_grad);
        }

        Assert.IsFalse(is_inference_mode_enabled());
    }

    [TestMethod]
    public void GradientModeBelongsToTheThread()
    {
        using (no_grad())
        {
            var elsewhere = false;
            var thread = new Thread(() => elsewhere = is_grad_enabled());
            thread.Start();
            thread.Join();
            Assert.IsTrue(elsewhere);
        }
    }

    public static IEnumerable<object[]> Functions =>
    [
        ["layer_norm", (Func<Tensor, Tensor>)(x => F.layer_norm(x, [4], x.mean([0, 1]), x.sum([0, 1])))],
        ["gelu", (Func<Tensor, Tensor>)F.gelu],
        ["silu", (Func<Tensor, Tensor>)(x => F.silu(x))],
        ["softmax", (Func<Tensor, Tensor>)(x => x.softmax(-1))],
        ["attention", (Func<Tensor, Tensor>)(x => F.scaled_dot_product_attention(x, x * 2, x.sin(), is_casual: true))],
        ["linear", (Func<Tensor, Tensor>)(x => F.linear(x, x[0], x[0, 1, ..3]))],
        ["cumsum", (Func<Tensor, Tensor>)(x => x.cumsum(1))],
        ["logsumexp", (Func<Tensor, Tensor>)(x => x.logsumexp(-1))],
    ];

    [TestMethod]
    [DynamicData(nameof(Functions))]
    public void GradientsAgreeWithDifferences(string name, Func<Tensor, Tensor> function)
    {
        using var generator = new Generator(7);
        using var x = randn(2, 3, 4, dtype: ScalarType.Float64, generator: generator);
        using var weights = randn([.. function(x).shape], dtype: ScalarType.Float64, generator: generator);
        x.requires_grad = true;
        (function(x) * weights).sum().backward();
        var gradient = TensorAssert.Values(x.grad);

        const double step = 1e-6;
        using var flat = x.detach().view(-1);
        for (var i = 0; i < gradient.Length; i++)
        {
            var value = flat[i].item<double>();
            flat[i] = tensor(value + step);
            var above = Weighted();
            flat[i] = tensor(value - step);
            var below = Weighted();
            flat[i] = tensor(value);
            Assert.AreEqual((above - below) / (2 * step), gradient[i], 1e-6, $"{name}, element {i}");
        }

        double Weighted()
        {
            using var scope = NewDisposeScope();
            using var mode = no_grad();
            return (function(x) * weights).sum().item<double>();
        }
    }
}
