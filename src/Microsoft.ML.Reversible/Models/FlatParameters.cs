using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Models;

/// <summary>
/// The parameters of a network in one buffer from the start: a stretch for each function of its stack, and one for all others
/// (embeddings, final norm, head). An optimizer works on the stretches where they are. Had it to move the parameters, their first places
/// would stay with the caching allocator of a GPU, which gives them to nothing of another size: one more copy of the model.
/// </summary>
internal sealed class FlatParameters : IDisposable
{
    private readonly (FlatLayout Layout, long Start)[] _groups;
    private readonly Tensor _buffer;

    /// <summary>Makes the buffer, all zeros, and gives the parameters their places in it.</summary>
    /// <param name="groups">The parameters of each stretch.</param>
    /// <param name="device">Where the buffer is made.</param>
    public FlatParameters(IEnumerable<FlatLayout> groups, Device device)
    {
        var stretches = new List<(FlatLayout, long)>();
        long length = 0;
        foreach (FlatLayout layout in groups)
        {
            stretches.Add((layout, length));
            length += layout.Length;
        }
        _groups = [.. stretches];
        // One for all: allocators round such sizes up to their own units, of which many stretches would waste many.
        _buffer = zeros(length, dtype: ScalarType.Float32, device: device).DetachFromDisposeScope();
        foreach (var (layout, start) in _groups)
        {
            using Tensor stretch = _buffer.narrow(0, start, layout.Length);
            layout.Place(stretch);
        }
    }

    /// <summary>The parameters of a network, function by function of its stack, and last those that are in none.</summary>
    public static IEnumerable<Parameter[]> Groups(nn.Module model, LayerStack stack)
    {
        var inStack = new HashSet<Parameter>(ReferenceEqualityComparer.Instance);
        foreach (nn.Module function in stack.Blocks)
        {
            Parameter[] group = [.. function.parameters()];
            inStack.UnionWith(group);
            yield return group;
        }
        yield return [.. model.parameters().Where(p => !inStack.Contains(p))];
    }

    /// <summary>Where parameters of a group, or some that are neighbours there, have their places.</summary>
    /// <param name="group">The group's index.</param>
    /// <param name="part">The parameters.</param>
    /// <returns>That part of the buffer, in the caller's dispose scope; null where the parameters have no such places.</returns>
    public Tensor? Find(int group, FlatLayout part)
    {
        (FlatLayout layout, long start) = _groups[group];
        return layout.StartOf(part) is { } first ? _buffer.narrow(0, start + first, part.Used) : null;
    }

    /// <summary>Gives up the buffer; the parameters keep it alive while they live.</summary>
    public void Dispose() => _buffer.Dispose();
}
