using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Models;
using Microsoft.ML.Reversible.Training;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Microsoft.ML.Reversible.Tests.Models;

/// <summary>Small networks with adapters.</summary>
internal static class Adapters
{
    /// <summary>The settings of a small adapter.</summary>
    public static LoraSettings Settings(string targets = LoraTargets.AllLinear) => new(Rank: 3, Alpha: 6, RankStabilized: false, targets);

    /// <summary>Gives the matrices B, and trained copies, values that differ from those of a new adapter.</summary>
    public static LanguageNetwork Randomize(LanguageNetwork network, double deviation = 0.1)
    {
        using var scope = NewDisposeScope();
        using var noGraph = no_grad();
        using var random = new Generator(9);
        foreach (NamedWeight weight in network.AdapterWeights().Where(weight => !weight.Name.EndsWith(".lora_A.weight")))
            weight.View().add_(randn([.. weight.Shape], generator: random), deviation);
        return network;
    }

    /// <summary>Saves a random adapter of a network.</summary>
    public static void Save(LanguageNetwork network, string folder, double deviation = 0.1, LoraSettings? settings = null)
    {
        using LanguageNetwork adapted = Randomize(network.WithAdapter(settings ?? Settings(), seed: 1), deviation);
        AdapterFolder.Save(adapted, folder);
    }

    /// <summary>The parameters that are not trained, as they are now; the caller disposes of the copies.</summary>
    public static Tensor[] Frozen(LanguageNetwork network) =>
        [.. network.parameters().Where(p => !p.requires_grad).Select(p => p.detach().clone())];

    /// <summary>The parameters that are trained.</summary>
    public static Parameter[] Trained(LanguageNetwork network) => [.. network.parameters().Where(p => p.requires_grad)];

    /// <summary>Trains for some steps on the same ids, and returns the losses.</summary>
    public static double[] Train(
        LanguageNetwork network, int steps, OptimizerPlacement placement = OptimizerPlacement.AfterBackward, double rate = 1e-2)
    {
        using var scope = NewDisposeScope();
        (Tensor ids, Tensor targets) = Batch(network);
        using FlatAdamW optimizer = LanguageTask.Optimizer(network, new(0.9, 0.99, 1e-8, 0.1), placement);
        var update = new ParameterUpdate(optimizer, new StepGuard(), maxGradNorm: 0);
        return
        [
            .. Enumerable.Range(1, steps).Select(step => update.Take(
                step, rate, done => LanguageModelLoss.Differentiate(network, ids, targets, new(1.0 / targets.numel(), step, done)))
                .Loss.item<double>()),
        ];
    }

    /// <summary>Adds the gradients of a batch to the parameters.</summary>
    public static void Differentiate(LanguageNetwork network)
    {
        using var scope = NewDisposeScope();
        (Tensor ids, Tensor targets) = Batch(network);
        LanguageModelLoss.Differentiate(network, ids, targets, new(1.0 / targets.numel(), 3));
    }

    private static (Tensor Ids, Tensor Targets) Batch(LanguageNetwork network)
    {
        int context = Math.Min(16, network.Configuration.ContextLength);
        return (
            TestModels.Ids(network.Configuration, 3, context).to(network.Device),
            TestModels.Ids(network.Configuration, 3, context, seed: 6).flatten().to(network.Device));
    }
}
