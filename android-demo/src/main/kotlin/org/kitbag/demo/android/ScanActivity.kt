package org.kitbag.demo.android

import android.Manifest
import android.app.Activity
import android.content.Intent
import android.content.pm.PackageManager
import android.graphics.ImageFormat
import android.hardware.camera2.CameraAccessException
import android.hardware.camera2.CameraCaptureSession
import android.hardware.camera2.CameraCharacteristics
import android.hardware.camera2.CameraDevice
import android.hardware.camera2.CameraManager
import android.hardware.camera2.CaptureRequest
import android.media.Image
import android.media.ImageReader
import android.os.Bundle
import android.os.Handler
import android.os.HandlerThread
import android.view.Surface
import android.view.SurfaceHolder
import android.view.SurfaceView
import android.view.WindowManager
import android.widget.Toast

/** Looks for a code with the camera, and gives its text back. Whoever has no camera, or lends it not, pastes the text. */
class ScanActivity : Activity(), SurfaceHolder.Callback {
    private val thread = HandlerThread("scan")
    private var camera: CameraDevice? = null
    private var reader: ImageReader? = null
    private lateinit var preview: SurfaceView

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        window.setFlags(WindowManager.LayoutParams.FLAG_SECURE, WindowManager.LayoutParams.FLAG_SECURE)
        thread.start()
        preview = SurfaceView(this)
        preview.contentDescription = (application as KitbagApplication).app.speech.say("app-scan")
        setContentView(preview)
        if (checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED) preview.holder.addCallback(this)
        else requestPermissions(arrayOf(Manifest.permission.CAMERA), 1)
    }

    override fun onRequestPermissionsResult(code: Int, permissions: Array<String>, results: IntArray) {
        // Turned while it was asked: the question stands, and is answered here.
        if (results.isEmpty()) return
        if (results.firstOrNull() == PackageManager.PERMISSION_GRANTED) {
            preview.holder.addCallback(this)
            if (preview.holder.surface.isValid) look()
        } else giveUp()
    }

    private fun giveUp() {
        Toast.makeText(this, (application as KitbagApplication).app.speech.say("app-no_camera"), Toast.LENGTH_LONG).show()
        finish()
    }

    override fun surfaceCreated(holder: SurfaceHolder) = look()

    override fun surfaceChanged(holder: SurfaceHolder, format: Int, width: Int, height: Int) = Unit

    override fun surfaceDestroyed(holder: SurfaceHolder) = letGo()

    private fun look() {
        val manager = getSystemService(CameraManager::class.java)
        try {
            val back = manager.cameraIdList.firstOrNull {
                manager.getCameraCharacteristics(it).get(CameraCharacteristics.LENS_FACING) == CameraCharacteristics.LENS_FACING_BACK
            } ?: return giveUp()
            manager.openCamera(back, Opened(), Handler(thread.looper))
        } catch (_: CameraAccessException) {
            giveUp()
        } catch (_: SecurityException) {
            giveUp()
        }
    }

    private inner class Opened : CameraDevice.StateCallback() {
        override fun onOpened(opened: CameraDevice) {
            // It was left before the camera was there.
            if (isDestroyed) return opened.close()
            camera = opened
            val pictures = ImageReader.newInstance(WIDTH, HEIGHT, ImageFormat.YUV_420_888, 2).also { reader = it }
            pictures.setOnImageAvailableListener({ it.acquireLatestImage()?.use(::seen) }, Handler(thread.looper))
            val surfaces = listOf(preview.holder.surface, pictures.surface)
            @Suppress("DEPRECATION")
            try {
                opened.createCaptureSession(surfaces, Watching(opened, surfaces), Handler(thread.looper))
            } catch (_: CameraAccessException) {
                runOnUiThread(::giveUp)
            } catch (_: IllegalStateException) {
                // It was left meanwhile.
                opened.close()
            } catch (_: IllegalArgumentException) {
                // So was its surface.
                opened.close()
            }
        }

        override fun onDisconnected(lost: CameraDevice) = lost.close()

        override fun onError(lost: CameraDevice, error: Int) {
            lost.close()
            runOnUiThread(::giveUp)
        }
    }

    private inner class Watching(private val device: CameraDevice, private val surfaces: List<Surface>) : CameraCaptureSession.StateCallback() {
        override fun onConfigured(session: CameraCaptureSession) {
            try {
                val request = device.createCaptureRequest(CameraDevice.TEMPLATE_PREVIEW)
                surfaces.forEach(request::addTarget)
                request.set(CaptureRequest.CONTROL_AF_MODE, CaptureRequest.CONTROL_AF_MODE_CONTINUOUS_PICTURE)
                session.setRepeatingRequest(request.build(), null, null)
            } catch (_: CameraAccessException) {
                runOnUiThread(::giveUp)
            } catch (_: IllegalStateException) {
                // It was left meanwhile.
            }
        }

        override fun onConfigureFailed(session: CameraCaptureSession) = runOnUiThread(::giveUp)
    }

    private fun seen(image: Image) {
        val plane = image.planes[0]
        val brightness = ByteArray(plane.rowStride * image.height)
        plane.buffer.get(brightness, 0, minOf(brightness.size, plane.buffer.remaining()))
        val text = Codes.read(brightness, plane.rowStride, image.height) ?: return
        runOnUiThread {
            setResult(RESULT_OK, Intent().putExtra(TEXT, text))
            finish()
        }
    }

    private fun letGo() {
        camera?.close()
        camera = null
        reader?.close()
        reader = null
    }

    override fun onDestroy() {
        letGo()
        thread.quitSafely()
        super.onDestroy()
    }

    companion object {
        /** Where the text is in what is given back. */
        const val TEXT = "text"
        private const val WIDTH = 1280
        private const val HEIGHT = 720
    }
}
