using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible;

/// <summary>A function whose gradient is computed by hand, where libtorch's own will not do.</summary>
internal interface ICutFunction
{
    /// <summary>
    /// The function's value, and behind it what <see cref="Backward"/> wants to see again, all in the current dispose scope. Nothing is
    /// recorded meanwhile.
    /// </summary>
    Tensor[] Forward(Tensor[] inputs);

    /// <summary>The gradients of the inputs, from that of the value; in the current dispose scope.</summary>
    Tensor[] Backward(Tensor gradient, Tensor[] inputs, Tensor[] results);
}

/// <summary>
/// The places of a block's graph where it is cut in two, at a function whose gradient is computed by hand: libtorch goes back to the
/// function's value, the function carries the gradient over to its inputs, and libtorch goes on from there.
/// </summary>
/// <remarks>
/// TorchSharp's own functions of this kind run on libtorch's threads, where an exception ends the process and no dispose scope holds.
/// </remarks>
internal sealed class GraphCuts : IDisposable
{
    [ThreadStatic]
    private static GraphCuts? _current;

    private readonly List<Cut> _cuts = [];

    /// <summary>What the functions of the block that is being evaluated on this thread cut; null where the graph is to be whole.</summary>
    public static GraphCuts? Current => _current;

    /// <summary>The block's value, its graph cut where its functions ask for it.</summary>
    public Tensor Call(Block block, Tensor input)
    {
        GraphCuts? outer = _current;
        _current = this;
        try
        {
            return block.call(input);
        }
        finally
        {
            _current = outer;
        }
    }

    /// <summary>The function's value, in the current dispose scope.</summary>
    public Tensor Apply(ICutFunction function, params Tensor[] inputs)
    {
        using var scope = NewDisposeScope();
        Tensor[] plain = [.. inputs.Select(x => x.detach())];
        Tensor[] results;
        using (no_grad()) results = function.Forward(plain);
        if (!is_grad_enabled()) return results[0].MoveToOuterDisposeScope();
        var cut = new Cut(
            function,
            [.. inputs.Select(x => x.alias().DetachFromDisposeScope())],
            results[0].detach().requires_grad_().DetachFromDisposeScope(),
            [.. results.Select(x => x.DetachFromDisposeScope())]);
        _cuts.Add(cut);
        return cut.Value.alias().MoveToOuterDisposeScope();
    }

    /// <summary>Carries on the way back that has come to the functions' values.</summary>
    public void Backward()
    {
        for (int i = _cuts.Count - 1; i >= 0; i--)
        {
            using var scope = NewDisposeScope();
            using Cut cut = _cuts[i];
            _cuts.RemoveAt(i);
            if (cut.Value.grad is not { } gradient) continue;
            Tensor[] gradients;
            using (no_grad()) gradients = cut.Function.Backward(gradient, [.. cut.Inputs.Select(x => x.detach())], cut.Results);
            (Tensor Input, Tensor Gradient)[] open = [.. cut.Inputs.Zip(gradients).Where(pair => pair.First.requires_grad)];
            autograd.backward([.. open.Select(pair => pair.Input)], [.. open.Select(pair => pair.Gradient)]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Cut cut in _cuts) cut.Dispose();
        _cuts.Clear();
    }

    /// <summary>One place: where the graph before it ends, the leaf that the one behind it begins with, what the function keeps.</summary>
    private sealed record Cut(ICutFunction Function, Tensor[] Inputs, Tensor Value, Tensor[] Results) : IDisposable
    {
        public void Dispose()
        {
            Value.Dispose();
            foreach (Tensor tensor in (Tensor[])[.. Inputs, .. Results]) tensor.Dispose();
        }
    }
}
