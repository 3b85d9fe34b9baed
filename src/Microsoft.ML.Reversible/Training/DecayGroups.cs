using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Training;

/// <summary>AdamW as GPTs are trained: weight decay on matrices only, none on biases and norms.</summary>
internal static class DecayGroups
{
    /// <summary>An optimizer over a model's parameters. Make it after the parameters are on their device.</summary>
    public static AdamW Optimizer(nn.Module model, ReversibleLmTrainer.Options options)
    {
        ILookup<bool, Parameter> isMatrix = model.parameters().ToLookup(p => p.dim() >= 2);
        return optim.AdamW([Group(isMatrix[true], options.WeightDecay), Group(isMatrix[false], 0)]);

        AdamW.ParamGroup Group(IEnumerable<Parameter> parameters, double decay) =>
            new(parameters, options.LearningRate, options.Beta1, options.Beta2, options.Epsilon, decay);
    }
}
