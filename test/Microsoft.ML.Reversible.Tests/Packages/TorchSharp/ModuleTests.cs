using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Tests.Packages.Torch;

[TestClass]
public class ModuleTests
{
    [TestMethod]
    public void FieldsAreRegisteredUnderTheirNames()
    {
        using var net = new Net();
        string[] expected = ["scale", "first.weight", "first.bias", "blocks.0.weight", "blocks.1.weight"];
        CollectionAssert.AreEquivalent(expected, net.named_parameters().Select(p => p.name).ToArray());
        CollectionAssert.AreEqual(new[] { "table" }, net.named_buffers().Select(b => b.name).ToArray());
        CollectionAssert.AreEqual(new[] { "first", "blocks" }, net.named_children().Select(c => c.name).ToArray());
        Assert.IsNotNull(net.get_parameter("blocks.1.weight"));
        Assert.IsTrue(net.has_buffer("table"));
    }

    [TestMethod]
    public void TheModuleIsNotAmongItsModules()
    {
        using var net = new Net();
        CollectionAssert.DoesNotContain(net.modules().ToArray(), net);
        CollectionAssert.AreEquivalent(
            new[] { "first", "blocks", "blocks.0", "blocks.1" }, net.named_modules().Select(m => m.name).ToArray());
    }

    [TestMethod]
    public void ASharedParameterIsListedOnce()
    {
        var shared = new Parameter(ones(2, 2));
        using var list = nn.ModuleList<Linear>(nn.Linear(shared), nn.Linear(shared));
        Assert.AreEqual(1, list.parameters().Count());
    }

    [TestMethod]
    public void AParameterTakesOverTheHandleOfItsTensor()
    {
        var data = ones(2);
        using var parameter = new Parameter(data);
        Assert.IsTrue(data.IsInvalid);
        Assert.IsTrue(parameter.requires_grad);
        Assert.IsTrue(parameter.is_leaf);
    }

    [TestMethod]
    public void ParametersAndGradientsOutliveTheScopeOfAStep()
    {
        Net net;
        using (NewDisposeScope())
        {
            net = new Net();
            net.call(ones(1, 3)).sum().backward();
        }

        Assert.IsTrue(net.parameters().All(p => !p.IsInvalid));
        using var grad = net.get_parameter("first.weight").grad;
        Assert.IsNotNull(grad);
        net.zero_grad();
        Assert.IsNull(net.get_parameter("first.weight").grad);
        net.Dispose();
    }

    [TestMethod]
    public void DisposingAModuleDisposesWhatItHolds()
    {
        var net = new Net();
        var parameters = net.parameters().ToArray();
        net.Dispose();
        Assert.IsTrue(parameters.All(p => p.IsInvalid));
    }

    [TestMethod]
    public void TrainingAndEvaluationReachAllModules()
    {
        using var net = new Net();
        net.eval();
        Assert.IsTrue(net.modules().Append(net).All(m => !m.training));
        net.train();
        Assert.IsTrue(net.modules().Append(net).All(m => m.training));
    }

    [TestMethod]
    public void AnotherTypeReplacesTheParameters()
    {
        using var net = new Net();
        var before = net.get_parameter("first.weight");
        net.to(ScalarType.BFloat16);
        Assert.IsTrue(before.IsInvalid);
        Assert.IsTrue(net.parameters().All(p => p.dtype == ScalarType.BFloat16 && p.requires_grad));
        Assert.AreEqual(ScalarType.BFloat16, net.call(ones(1, 3, dtype: ScalarType.BFloat16)).dtype);
    }

    [TestMethod]
    public void StateIsCopiedInPlace()
    {
        using var source = new Net();
        using var target = new Net();
        var weight = target.get_parameter("first.weight");
        var (missing, unexpected) = target.load_state_dict(source.state_dict());
        Assert.IsEmpty(missing);
        Assert.IsEmpty(unexpected);
        Assert.IsTrue(weight.allclose(source.get_parameter("first.weight")));
        CollectionAssert.Contains(target.state_dict().Keys, "table");
    }

    [TestMethod]
    public void LayersComputeWhatTheirNamesSay()
    {
        using var embedding = nn.Embedding(5, 3);
        Assert.IsTrue(embedding.call(tensor(new long[] { 4 })).allclose(embedding.weight[4].unsqueeze(0)));
        using var norm = nn.LayerNorm(4);
        TensorAssert.AreClose([0, 0, 0, 0], norm.call(ones(4)));
        using var linear = nn.Linear(3, 2);
        TensorAssert.HasShape([2, 3], linear.weight);
        Assert.IsTrue(TensorAssert.Values(linear.weight).All(w => Math.Abs(w) <= 1 / Math.Sqrt(3)));
        Assert.IsNull(nn.Linear(3, 2, hasBias: false).bias);
    }

    private sealed class Net : nn.Module<Tensor, Tensor>
    {
        private readonly Parameter scale = new(ones(3));
        private readonly Linear first = nn.Linear(3, 3);
        private readonly ModuleList<Linear> blocks = nn.ModuleList<Linear>(nn.Linear(3, 3, false), nn.Linear(3, 3, false));
        private readonly Tensor table = zeros(3);

        public Net() : base(nameof(Net)) => RegisterComponents();

        public override Tensor forward(Tensor input)
        {
            var x = first.call(input * scale) + table;
            foreach (var block in blocks)
            {
                x = block.call(x);
            }

            return x;
        }
    }
}
