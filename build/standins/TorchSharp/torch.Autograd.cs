namespace TorchSharp;

public static partial class torch
{
    public static partial class autograd
    {
        public static unsafe IList<Tensor> grad(
            IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor> grad_outputs = null,
            bool retain_graph = false, bool create_graph = false, bool allow_unused = false)
        {
            nint[] o = Native.Handles(outputs), i = Native.Handles(inputs), g = Native.Handles(grad_outputs);
            nint* made;
            long count;
            fixed (nint* po = o, pi = i, pg = g)
                Native.Check(Native.ts_autograd_grad(
                    po, o.Length, pi, i.Length, pg, g.Length, retain_graph, create_graph, allow_unused, &made, &count));
            GC.KeepAlive(outputs);
            GC.KeepAlive(inputs);
            GC.KeepAlive(grad_outputs);
            return Native.Take(made, count);
        }

        public static unsafe void backward(
            IList<Tensor> tensors, IList<Tensor> grad_tensors = null, bool? retain_graph = null,
            bool create_graph = false, IList<Tensor> inputs = null)
        {
            nint[] t = Native.Handles(tensors), g = Native.Handles(grad_tensors), i = Native.Handles(inputs);
            fixed (nint* pt = t, pg = g, pi = i)
                Native.Check(Native.ts_backward(
                    pt, t.Length, pg, g.Length, retain_graph ?? create_graph, create_graph, pi, i.Length));
            GC.KeepAlive(tensors);
            GC.KeepAlive(grad_tensors);
            GC.KeepAlive(inputs);
        }

        public static void backward(
            Tensor tensor, IList<Tensor> grad_tensors = null, bool? retain_graph = null,
            bool create_graph = false, IList<Tensor> inputs = null) =>
            backward([tensor], grad_tensors, retain_graph, create_graph, inputs);

        public static void backward(
            Tensor tensor, Tensor grad_tensor, bool? retain_graph = null, bool create_graph = false, IList<Tensor> inputs = null) =>
            backward([tensor], [grad_tensor], retain_graph, create_graph, inputs);
    }

    public static IDisposable no_grad() => new GradMode(false);

    public static IDisposable enable_grad(bool enabled = true) => new GradMode(enabled);

    public static IDisposable set_grad_enabled(bool mode = true) => new GradMode(mode);

    public static bool is_grad_enabled() => Native.ts_grad_enabled();

    public static IDisposable inference_mode(bool mode = true) => new InferenceMode(mode);

    public static bool is_inference_mode_enabled() => Native.ts_inference_enabled();

    // The mode belongs to the thread; disposing puts the former one back.
    private sealed class GradMode : IDisposable
    {
        private readonly bool _before = Native.ts_grad_enabled();

        internal GradMode(bool enabled) => Native.ts_set_grad_enabled(enabled);

        public void Dispose() => Native.ts_set_grad_enabled(_before);
    }

    private sealed unsafe class InferenceMode(bool mode) : IDisposable
    {
        private void* _guard = Native.ts_inference_enter(mode);

        public void Dispose()
        {
            if (_guard is not null)
                Native.ts_inference_leave(_guard);
            _guard = null;
        }
    }
}
