using TorchSharp.Modules;

namespace Microsoft.ML.Reversible.Training;

/// <summary>Weights that a run leaves as they are: no gradients are made for them until this is disposed of.</summary>
internal sealed class FrozenWeights : IDisposable
{
    private readonly Parameter[] _weights;

    /// <summary>Freezes a model's weights.</summary>
    /// <param name="network">The model.</param>
    /// <param name="embedding">Whether the embedding is frozen, and a head that shares its matrix.</param>
    /// <param name="layers">How many blocks are frozen, from the first.</param>
    /// <exception cref="ArgumentOutOfRangeException">The model has fewer blocks.</exception>
    public FrozenWeights(LanguageNetwork network, bool embedding, int layers)
    {
        if (layers > network.Blocks.Count)
            throw new ArgumentOutOfRangeException(
                nameof(ReversibleLmTrainer.Options.FrozenLayerCount), layers,
                $"FrozenLayerCount must be within [0, {network.Blocks.Count}], the model's number of layers.");
        _weights =
        [
            .. embedding ? network.EmbeddingWeights : [],
            .. network.Blocks.Take(layers).SelectMany(block => block.parameters()),
        ];
        foreach (Parameter weight in _weights) weight.requires_grad = false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Parameter weight in _weights.Where(w => !w.IsInvalid)) weight.requires_grad = true;
    }
}
