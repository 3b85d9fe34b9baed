using Microsoft.ML.Reversible.Schemes;
using static TorchSharp.torch;
using Block = TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>;

namespace Microsoft.ML.Reversible.Stack;

/// <summary>A block's value with its graph, which is differentiated once. It owns its tensors, outside every dispose scope.</summary>
internal sealed class BlockGraph : IDisposable
{
    private readonly GraphCuts? _cuts;
    private readonly Tensor _value;

    /// <summary>Evaluates a block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="input">The block's input; gradients do not flow beyond it.</param>
    /// <param name="context">The context of the evaluation; null if there is none.</param>
    /// <param name="cuts">Collects the cuts of the graph; disposed of with it. Null if the graph is not cut.</param>
    public BlockGraph(Block block, Tensor input, EvaluationContext? context, GraphCuts? cuts)
    {
        using var withGraph = enable_grad();
        _cuts = cuts;
        Leaf = input.detach().requires_grad_().DetachFromDisposeScope();
        try
        {
            _value = (cuts is null ? block.At(Leaf, context) : cuts.Call(block, Leaf, context)).DetachFromDisposeScope();
        }
        catch
        {
            cuts?.Dispose();
            Leaf.Dispose();
            throw;
        }
    }

    /// <summary>The block's input, as a leaf; after <see cref="Backward"/> its gradient is in <c>grad</c>.</summary>
    public Tensor Leaf { get; }

    /// <summary>The block's value without its graph, in the current dispose scope.</summary>
    public Tensor Value => _value.detach();

    /// <summary>The type of the value.</summary>
    public ScalarType Type => _value.dtype;

    /// <summary>Adds the gradients of the leaf and of the block's parameters to their <c>grad</c>.</summary>
    /// <param name="gradient">The gradient of the value, of its type.</param>
    public void Backward(Tensor gradient)
    {
        autograd.backward(_value, gradient);
        _cuts?.Backward();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _cuts?.Dispose();
        _value.Dispose();
        Leaf.Dispose();
    }
}

/// <summary>A function that computes its gradient itself, where libtorch's cannot be used.</summary>
internal interface ICutFunction
{
    /// <summary>
    /// Computes the function's value, followed by the tensors that <see cref="Backward"/> needs, all in the current dispose scope. It is
    /// called with gradients off.
    /// </summary>
    Tensor[] Forward(Tensor[] inputs);

    /// <summary>Computes the gradients of the inputs from that of the value, in the current dispose scope.</summary>
    Tensor[] Backward(Tensor gradient, Tensor[] inputs, Tensor[] results);
}

/// <summary>
/// Cuts a block's graph in two at each function that computes its gradient itself: libtorch's backward pass ends at the function's value,
/// the function computes the gradients of its inputs, and libtorch's next backward pass begins with these.
/// </summary>
/// <remarks>
/// TorchSharp's custom autograd functions run on libtorch's threads, where an exception ends the process and dispose scopes do nothing.
/// </remarks>
internal sealed class GraphCuts : IDisposable
{
    [ThreadStatic]
    private static GraphCuts? _current;

    private readonly List<Cut> _cuts = [];
    private int _group;
    private bool _inGroup;

    /// <summary>The cuts of the block that is being evaluated on this thread; null where its graph is not cut.</summary>
    public static GraphCuts? Current => _current;

    /// <summary>Evaluates a block; its graph is cut where it calls <see cref="Apply"/>.</summary>
    public Tensor Call(Block block, Tensor input, EvaluationContext? context)
    {
        GraphCuts? outer = _current;
        _current = this;
        try
        {
            return block.At(input, context);
        }
        finally
        {
            _current = outer;
        }
    }

    /// <summary>
    /// Makes one group of the cuts until the result is disposed of. None of them may depend on another one's value. Their inputs may share
    /// a part of the graph, which a backward pass frees, so the passes from the inputs of a group are one.
    /// </summary>
    public IDisposable Group() => new CutGroup(this);

    /// <summary>Evaluates a function and cuts the graph there; the value is in the current dispose scope.</summary>
    public Tensor Apply(ICutFunction function, params Tensor[] inputs)
    {
        using var scope = NewDisposeScope();
        Tensor[] plain = [.. inputs.Select(x => x.detach())];
        Tensor[] results;
        using (no_grad()) results = function.Forward(plain);
        if (!is_grad_enabled()) return results[0].MoveToOuterDisposeScope();
        if (!_inGroup) _group++;
        var cut = new Cut(
            _group, function,
            [.. inputs.Select(x => x.alias().DetachFromDisposeScope())],
            results[0].detach().requires_grad_().DetachFromDisposeScope(),
            [.. results.Select(x => x.DetachFromDisposeScope())]);
        _cuts.Add(cut);
        return cut.Value.alias().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Cuts the graph at a block's input if it is cut within the block. What computed the input would otherwise be reached twice: from the
    /// block itself, and from the cuts within it. A leaf is returned as it is.
    /// </summary>
    public static Tensor AtInput(Tensor input) =>
        Current is { } cuts && !input.is_leaf ? cuts.Apply(InputCut.Instance, input) : input;

    /// <summary>Continues the backward pass from the functions' values, those of the last group first.</summary>
    public void Backward()
    {
        while (_cuts.Count > 0)
        {
            using var scope = NewDisposeScope();
            int first = _cuts.FindIndex(cut => cut.Group == _cuts[^1].Group);
            Cut[] group = [.. Enumerable.Reverse(_cuts.Skip(first))];
            _cuts.RemoveRange(first, group.Length);
            try
            {
                (Tensor Input, Tensor Gradient)[] open = [.. group.SelectMany(cut => cut.Differentiate())];
                if (open.Length == 0) continue;
                autograd.backward([.. open.Select(pair => pair.Input)], [.. open.Select(pair => pair.Gradient)]);
            }
            finally
            {
                foreach (Cut cut in group) cut.Dispose();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Cut cut in _cuts) cut.Dispose();
        _cuts.Clear();
    }

    /// <summary>One cut: the inputs end the graph before it, the value is a leaf of the graph after it.</summary>
    private sealed record Cut(int Group, ICutFunction Function, Tensor[] Inputs, Tensor Value, Tensor[] Results) : IDisposable
    {
        /// <summary>Returns the inputs that need gradients, with these, in the current dispose scope.</summary>
        public IEnumerable<(Tensor Input, Tensor Gradient)> Differentiate()
        {
            if (Value.grad is not { } gradient) return [];
            using var noGraph = no_grad();
            Tensor[] gradients = Function.Backward(gradient, [.. Inputs.Select(x => x.detach())], Results);
            return [.. Inputs.Zip(gradients).Where(pair => pair.First.requires_grad)];
        }

        public void Dispose()
        {
            Value.Dispose();
            foreach (Tensor tensor in (Tensor[])[.. Inputs, .. Results]) tensor.Dispose();
        }
    }

    /// <summary>The identity.</summary>
    private sealed class InputCut : ICutFunction
    {
        public static readonly InputCut Instance = new();

        public Tensor[] Forward(Tensor[] inputs) => [inputs[0].alias()];

        public Tensor[] Backward(Tensor gradient, Tensor[] inputs, Tensor[] results) => [gradient.alias()];
    }

    private sealed class CutGroup : IDisposable
    {
        private readonly GraphCuts _cuts;

        public CutGroup(GraphCuts cuts)
        {
            _cuts = cuts;
            _cuts._group++;
            _cuts._inGroup = true;
        }

        public void Dispose() => _cuts._inGroup = false;
    }
}
